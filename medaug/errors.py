"""The one exception that means: the user's input is wrong, and here is what to do."""


class InputError(ValueError):
    """Input that a user can mend: a file, a configuration key, an argument.

    The message is one sentence or two that name the file or the key, the problem and the remedy.
    The command line prints it without a traceback and exits with code 2.
    """
