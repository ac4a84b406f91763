"""`python -m entrypoints`: the command line."""

from entrypoints.cli.commands import wallet

if __name__ == "__main__":
    wallet(prog_name="python -m entrypoints")
