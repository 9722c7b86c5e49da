"""The error registry and the files generated from it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from jiaozi.wire import errors
from jiaozi_host import error_texts
from protocol.tools import gen_errors

ROOT = Path(__file__).resolve().parents[3]
GOOD = 'name = "A_B"\nsw = 0x9401\ntext = "t"\nremedy = "r"\nraised = "x"\n'


def registry(*entries: str) -> str:
    return "".join(f"[[error]]\n{entry}" for entry in entries)


def copy_tree(target: Path) -> list[Path]:
    """Copy the registry and its generated files to another tree; return the generated files."""
    entries = gen_errors.read_registry((ROOT / gen_errors.REGISTRY).read_text("utf-8"))
    generated = list(gen_errors.render_all(entries))
    for path in [gen_errors.REGISTRY, *generated]:
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, target / path)
    return generated


def test_generated_files_say_what_the_registry_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert gen_errors.main(["--check"]) == 0, capsys.readouterr().err


def test_check_sees_an_edit_in_each_generated_file_and_mends_nothing(tmp_path: Path) -> None:
    for path in copy_tree(tmp_path):
        edited = tmp_path / path
        original = edited.read_text("utf-8")
        edited.write_text(original + "\n", "utf-8")
        assert gen_errors.main(["--check", "--root", str(tmp_path)]) == 1
        assert edited.read_text("utf-8") == original + "\n"
        assert gen_errors.main(["--root", str(tmp_path)]) == 0
        assert edited.read_text("utf-8") == original


def test_check_sees_a_change_of_the_registry(tmp_path: Path) -> None:
    copy_tree(tmp_path)
    source = tmp_path / gen_errors.REGISTRY
    source.write_text(source.read_text("utf-8") + registry(GOOD.replace("9401", "9FFF")), "utf-8")
    assert gen_errors.main(["--check", "--root", str(tmp_path)]) == 1


@pytest.mark.parametrize(
    ("entries", "complaint"),
    [
        ((GOOD, GOOD.replace("A_B", "C").replace('"t"', '"u"')), "word '9401' is used twice"),
        ((GOOD, GOOD.replace("9401", "9402").replace('"t"', '"u"')), "name 'A_B' is used twice"),
        ((GOOD, GOOD.replace("A_B", "C").replace("9401", "9402")), "text 't' is used twice"),
        ((GOOD.replace("0x9401", "0x9000"),), "not success"),
        ((GOOD.replace("0x9401", "0x6110"),), "not success"),
        ((GOOD.replace("0x9401", "true"),), "not success"),
        ((GOOD.replace("0x9401", "0x63C4"),), "counter"),
        ((GOOD.replace("A_B", "a_b"),), "LIKE_THIS"),
        ((GOOD.replace('"t"', '""'),), "one line of text"),
        ((GOOD + "severity = 3\n",), "keys must be"),
        ((GOOD.replace('remedy = "r"\n', ""),), "keys must be"),
    ],
)
def test_a_registry_that_breaks_a_rule_is_refused(entries: tuple[str, ...], complaint: str) -> None:
    with pytest.raises(gen_errors.RegistryError, match=complaint):
        gen_errors.read_registry(registry(*entries))


def test_the_host_has_a_text_for_every_status_word_of_the_wallet() -> None:
    words = {name: value for name, value in vars(errors).items() if isinstance(value, int)}
    assert {text.name: sw for sw, text in error_texts.TEXTS.items()} == words


def test_explain_reads_counters_and_admits_what_it_does_not_know() -> None:
    assert error_texts.explain(errors.OVER_BALANCE).name == "OVER_BALANCE"
    assert error_texts.explain(0x63C2).name == "PIN_WRONG"
    assert error_texts.explain(0x9FFF).name == "UNKNOWN"
    assert "9FFF" in error_texts.explain(0x9FFF).text


def test_a_refusal_carries_its_status_word() -> None:
    refusal = errors.Refused(errors.OVER_BALANCE)
    assert refusal.sw == 0x9401
    assert str(refusal) == "refused: 9401"
