// The token stands after the #, which no server is told; nor shall it stay in the address bar.
const token = new URLSearchParams(location.hash.slice(1)).get("token");
history.replaceState(null, "", location.pathname);

const form = document.querySelector("form");
const status = document.querySelector("[role=status]");

function say(text) {
  status.textContent = text;
}

async function send(password) {
  const answer = await fetch("auth/password/reset", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ token, new_password: password }),
  });
  if (answer.ok) {
    form.remove();
    say("Your new password is set. You were logged out everywhere: log in with it.");
  } else {
    say((await answer.json()).detail);
  }
}

if (token) {
  form.hidden = false;
} else {
  say("This link is not whole, or was opened before. Ask for another one.");
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { first, second } = form.elements;
  if (first.value !== second.value) {
    say("The two are not the same.");
    return;
  }
  try {
    await send(first.value);
  } catch {
    say("The service does not answer. Try again in a while.");
  }
});
