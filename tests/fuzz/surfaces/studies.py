"""Study files: read and checked, not run."""

from __future__ import annotations

from pathlib import Path
from random import Random

from tests.fuzz.outcomes import Kind, Outcome, check_refusal, check_same
from tests.fuzz.surface import Trial
from tests.fuzz.yaml_trees import bomb, hostile_yaml

MOST_CHARACTERS = 2_000
"""As the command line cuts lines."""


class Studies:
    """Accepted, a study is the same when it is read again."""

    name = "studies"
    share = 4
    needs_models = True

    def prepare(self, folder: Path) -> None:
        """The shipped studies, and the one of the documentation, which has every kind of key."""
        from spikecycle.models import study
        from spikecycle.simulator.machine.yaml_file import parse_yaml

        place = Path(study.__file__).parent
        texts = [path.read_text(encoding="utf-8") for path in sorted((place / "studies").glob("*.yaml"))]
        texts.append((place / "STUDY.md").read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0])
        self._bases = [(parse_yaml(text), text) for text in texts]

    def warm_up(self) -> None:
        """Nothing that would be worth it."""

    def make(self, random: Random, folder: Path) -> Trial:
        """A changed study file."""
        file = folder / "study.yaml"
        file.write_bytes(bomb(random) if random.random() < 0.01 else hostile_yaml(random, *random.choice(self._bases)))
        return lambda: self.replay(file, folder)

    def replay(self, file: Path, folder: Path) -> Outcome:
        """A study file of the corpus."""
        from spikecycle.models.errors import ModelsError
        from spikecycle.models.study.schema import load_study
        from spikecycle.simulator import SimulatorError

        try:
            loaded = load_study(str(file))
        except (ModelsError, SimulatorError) as error:
            check_refusal([line[:MOST_CHARACTERS] for line in str(error).splitlines()[:50]], beginning=str(file))
            return Outcome(Kind.REFUSED, str(error))
        check_same("the study read again", load_study(str(file)).study, loaded.study)
        names = [compression.name for compression in loaded.study.grid]
        check_same("names that are there twice", len(set(names)), len(names))
        return Outcome(Kind.ACCEPTED)
