"""What holds for every component: a word, documented options, a JSON Schema, strict configuration."""

import pytest
from pydantic import BaseModel, ValidationError

from monitor.settings.meanings import meanings
from tests.conformance.registered import ALL, KINDS

COMPONENTS = [pytest.param(component, id=name) for name, component in ALL]


def test_every_kind_has_components() -> None:
    """Nothing below runs over an empty list."""
    assert all(KINDS.values())


@pytest.mark.parametrize("component", COMPONENTS)
def test_it_is_documented(component: type[BaseModel]) -> None:
    """A class docstring whose first line is a sentence, and words for each option."""
    first = (component.__doc__ or "").strip().splitlines()[0]
    assert first.endswith(".")
    assert component.model_fields.keys() - meanings(component).keys() <= {"type"}


@pytest.mark.parametrize("component", COMPONENTS)
def test_its_options_are_strict(component: type[BaseModel]) -> None:
    """An option that it does not have is a mistake, and so is a change after construction."""
    with pytest.raises(ValidationError) as caught:
        component.model_validate({"no_such_option": 1})
    assert "no_such_option" in {str(error["loc"][0]) for error in caught.value.errors()}
    assert component.model_config.get("frozen")


@pytest.mark.parametrize("component", COMPONENTS)
def test_it_has_a_json_schema(component: type[BaseModel]) -> None:
    """Editors and the reference page read it; the word is in it."""
    schema = component.model_json_schema()
    assert schema["properties"]["type"]["const"] == component.model_fields["type"].default
