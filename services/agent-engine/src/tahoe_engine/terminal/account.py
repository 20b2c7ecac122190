import getpass


def find_actor() -> str:
    """Returns whom the log names: the account that runs the command."""
    try:
        return f"cli {getpass.getuser()}"
    except (OSError, KeyError):  # an account without a name, as containers have them
        return "cli"
