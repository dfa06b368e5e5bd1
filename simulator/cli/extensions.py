"""Commands that other packages add: the entry points of the group `spikecycle.commands`.

An entry point's name is the name of the command, and it loads to a `typer.Typer`. The module that it names should be
quick to import, since the help of `spikecycle` loads it: what takes long is imported when the command runs. Bad input
is told by raising a subclass of `SimulatorError`, as the commands here do. A command that cannot be loaded disturbs
no other; it says so when it is called.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import typer
from typer.core import TyperGroup
from typer.main import get_command

from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.registry import owner_of

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "spikecycle.commands"


class OwnCommand(NamedTuple):
    """A command of the simulator: a module of this package, the function in it, and an example of its use."""

    module: str
    function: str
    example: str

    def load(self, name: str) -> typer.Typer:
        """The command under its name; its module is imported."""
        function = getattr(importlib.import_module(f"{__package__}.{self.module}"), self.function)
        app = typer.Typer(add_completion=False)
        app.command(name, epilog=f"Example: {self.example}")(function)
        return app


class ExtensibleGroup(TyperGroup):
    """The commands of the simulator, and below them, by name, those that installed packages add.

    A command of the simulator is loaded when it is called. All of them are, and packages are asked, only when somebody
    wants to see all commands, or one that the simulator does not have itself.
    """

    own: ClassVar[Mapping[str, OwnCommand]] = {}

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        """All names, in the order in which the help shows them."""
        self._add_all()
        return super().list_commands(ctx)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]
        """The command of that name, or None."""
        if cmd_name in self.own:
            self._add(cmd_name, partial(self.own[cmd_name].load, cmd_name))
        elif cmd_name not in self.commands:
            self._add_all()
        return super().get_command(ctx, cmd_name)

    def resolve_command(self, ctx: typer.Context, args: list[str]) -> Any:  # type: ignore[override]
        """The command that is called, and its arguments; UsageError on an option that is given twice."""
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None:
            refuse_repeated(command, ctx, rest)
        return name, command, rest

    def _add_all(self) -> None:
        from importlib.metadata import entry_points  # not before: what is shipped needs none

        for name, command in self.own.items():
            self._add(name, partial(command.load, name))
        for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
            if entry.name not in self.own:  # what the simulator can do itself, nobody replaces
                self._add(entry.name, partial(_loaded, entry))
        self.commands = dict(sorted(self.commands.items(), key=lambda item: self._place(item[0])))

    def _add(self, name: str, load: Callable[[], typer.Typer]) -> None:
        if name not in self.commands:
            command = get_command(load())
            command.name = name
            self.add_command(command)

    def _place(self, name: str) -> tuple[int, str]:
        """Where a command stands in the help: the simulator's own come first."""
        own = list(self.own)
        return (own.index(name), "") if name in own else (len(own), name)


def refuse_repeated(command: Any, parent: Any, arguments: list[str]) -> None:
    """UsageError where an option that takes one value is given more than once: the parser would keep the last."""
    if not hasattr(command, "make_parser"):
        return
    context = command.context_class(command, parent=parent, **command.context_settings)
    try:
        _, _, order = command.make_parser(context).parse_args(args=list(arguments))
    except typer.TyperException:
        return  # it is told when the command parses them
    seen: set[str] = set()
    for parameter in order:
        single = parameter.param_type_name == "option" and not parameter.multiple and not parameter.is_flag
        if single and parameter.name in seen:
            raise UsageError(f"{parameter.opts[-1]} is given twice; it takes one value")
        seen.add(parameter.name)


def _loaded(entry: EntryPoint) -> typer.Typer:
    """What the entry point names, or a command that tells why that is not there."""
    try:
        app = entry.load()
    except Exception as error:  # whatever a foreign package raises while it is imported
        return _telling(entry, f"{type(error).__name__}: {error}")
    return app if isinstance(app, typer.Typer) else _telling(entry, f"{entry.value} is no typer.Typer")


def _telling(entry: EntryPoint, reason: str) -> typer.Typer:
    words = " ".join(reason.split())
    owner = owner_of(entry)
    stand_in = typer.Typer(add_completion=False)
    anything = {"ignore_unknown_options": True, "allow_extra_args": True}
    stand_in.command(entry.name, help=f"Cannot be loaded: {words}", context_settings=anything)(
        _refusal(f"the command {entry.name}{owner} cannot be loaded: {words}")
    )
    return stand_in


def _refusal(message: str) -> Callable[[], None]:
    def refuse() -> None:
        raise UsageError(message)

    return refuse
