"""``o2c``: reads the shared options, runs one command, turns errors into one line and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperGroup

from o2c_mining.cli import common
from o2c_mining.errors import ConfigError, O2CError

# Typer brings its own copy of click and exports only some of its errors.
_UsageError: type[typer.BadParameter] = typer.BadParameter.__bases__[0]
_VALUED = {"-w": "workspace", "--workspace": "workspace", "--as-of": "as_of", "--known-at": "known_at"}

app = typer.Typer(
    name="o2c",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Order-to-cash process mining: where the cash waits, why, and what mends it.",
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _shared(
    workspace: Annotated[Path, typer.Option("-w", "--workspace", help="Folder (else $O2C_WORKSPACE).")] = Path(),
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout, nothing else.")] = False,
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of", metavar="TIME|DAY", help="Event time: nothing later exists (a day to its end, company's zone)."
        ),
    ] = None,
    known_at: Annotated[
        str | None,
        typer.Option("--known-at", metavar="VERSION|TIME|DAY", help="What had been loaded then (a day likewise)."),
    ] = None,
) -> None:
    """Options shown here are accepted before and after every command."""


# Command name → module under o2c_mining.cli and the function or Typer app in it.
COMMANDS = {
    "init": ("setup", "init"),
    "demo": ("demo", "demo"),
    "extract": ("extract", "extract"),
    "import": ("exchange", "import_"),
    "export": ("exchange", "export"),
    "check": ("check", "check"),
    "summary": ("summary", "summary"),
    "map": ("process_map", "map_"),
    "variants": ("variants", "variants"),
    "handoffs": ("handoffs", "handoffs"),
    "durations": ("durations", "durations"),
    "cases": ("cases", "cases"),
    "case": ("cases", "case"),
    "kpis": ("kpis", "kpis"),
    "conformance": ("conformance", "conformance"),
    "alerts": ("alerts", "app"),
    "actions": ("actions", "app"),
    "monitor": ("monitor", "monitor"),
    "dashboard": ("dashboard", "dashboard"),
    "store": ("store", "app"),
}


def _register() -> None:
    for name, (module, attribute) in COMMANDS.items():
        target = getattr(import_module(f"o2c_mining.cli.{module}"), attribute)
        if isinstance(target, typer.Typer):
            app.add_typer(target, name=name)
        else:
            app.command(name)(target)


def run(arguments: Sequence[str] | None = None) -> None:
    """Entry point of the program."""
    sys.exit(main(list(sys.argv[1:] if arguments is None else arguments)))


def main(arguments: list[str]) -> int:
    """Run one command line and return its exit code."""
    try:
        rest = _shared_options(arguments)
        _register_once()
        command = typer.main.get_command(app)
        assert isinstance(command, TyperGroup)
        result = command.main(rest, prog_name="o2c", standalone_mode=False)
        code = int(result) if isinstance(result, int) else 0
        return _stopped() if code == 130 else code
    except O2CError as error:
        return _stopped() if _was_interrupted(error) else _fail(str(error), error.exit_code)
    except typer.Exit as error:
        return _stopped() if error.exit_code == 130 else error.exit_code
    except typer.Abort:
        return _stopped()
    except _UsageError as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            sys.stdout.write(error.format_message() + "\n")
            return 2
        return _fail(f"{error.format_message().rstrip('.')}; expected what `o2c --help` lists; correct the command", 2)
    except KeyboardInterrupt:
        return _stopped()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        return _fail(
            f"the system refused: {error.strerror or error}{where}; expected a readable and writable workspace with "
            "room on its disk; mend that and run the command again",
            2,
        )
    except Exception as error:  # noqa: BLE001 - the last boundary: a fault of ours is one line too
        if _was_interrupted(error):
            return _stopped()
        return _fail(
            f"an unexpected fault: {type(error).__name__}: {error}; expected none, nothing committed is lost; "
            "run again with O2C_DEBUG=1 and report what it prints",
            2,
        )


def _was_interrupted(error: BaseException) -> bool:
    """Whether Ctrl-C came while the database engine was at work: it tells of it by an error of its own."""
    if "duckdb" not in sys.modules:
        return False
    from o2c_mining.log.engine import is_interrupt

    found: BaseException | None = error
    while found is not None and not is_interrupt(found):
        found = found.__cause__
    return found is not None


def _stopped() -> int:
    sys.stderr.write("stopped; what was committed is kept, the next run goes on from there\n")
    return 130


def _fail(message: str, code: int) -> int:
    if os.environ.get("O2C_DEBUG") == "1":
        raise
    sys.stderr.write("error: " + " ".join(message.split()) + "\n")
    return code


_registered = False


def _register_once() -> None:
    global _registered
    if not _registered:
        _register()
        _registered = True


def _shared_options(arguments: list[str]) -> list[str]:
    """Take the shared options out of the line, wherever they stand, and set the context."""
    found: dict[str, str] = {}
    rest: list[str] = []
    as_json = False
    queue = list(arguments)
    while queue:
        word = queue.pop(0)
        name, equals, value = word.partition("=")
        if word == "--":
            rest.extend([word, *queue])
            break
        if word == "--json":
            as_json = True
        elif word in _VALUED:
            if not queue:
                raise ConfigError(f"{word} has no value; expected one after it; see `o2c --help`")
            found[_VALUED[word]] = queue.pop(0)
        elif equals and name in _VALUED:
            found[_VALUED[name]] = value
        else:
            rest.append(word)
    common.current.json = as_json
    common.current.workspace = Path(found.get("workspace") or os.environ.get("O2C_WORKSPACE") or ".")
    common.current.as_of = common.parse_moment("--as-of", found["as_of"]) if "as_of" in found else None
    common.current.known_at = common.parse_known_at(found["known_at"]) if "known_at" in found else None
    return rest
