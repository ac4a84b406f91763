-- For wrk: one prepared request after the other, each with an idempotency key of its own.
--
-- Arguments: the file of requests (see requests.py) and what the keys begin with. The answer is a line of JSON.

local heads, tails = {}, {}
local tag, count = "", 0

local function unescaped(line)
    return (line:gsub("\\r\\n", "\r\n"))
end

function init(arguments)
    tag = arguments[2]
    local lines = {}
    for line in io.lines(arguments[1]) do
        lines[#lines + 1] = line
    end
    local heads_number, tails_number = lines[1]:match("(%d+) (%d+)")
    for place = 2, heads_number + 1 do
        heads[#heads + 1] = unescaped(lines[place])
    end
    for place = heads_number + 2, heads_number + 1 + tails_number do
        tails[#tails + 1] = unescaped(lines[place])
    end
    math.randomseed(os.time())
end

-- Who is addressed is somebody else than who asks.
function request()
    local from = math.random(#heads)
    if #tails == 0 then
        return heads[from]
    end
    count = count + 1
    local to = (from + math.random(#tails - 1) - 1) % #tails + 1
    return heads[from] .. string.format("%s-%012d", tag, count) .. tails[to]
end

function done(summary, latency, requests)
    local errors = summary.errors
    io.write(string.format(
        '\n{"operations": %d, "seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f, "refused": %d, "broken": %d}\n',
        summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
        errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
