"""Templates inside the configuration's file."""

from pathlib import Path

from monitor.retraining import RetrainingOptions
from monitor.settings.document import read_document
from monitor.settings.interpolation import Interpolation

TEXT = """
webhook:
  url: https://airflow.example/api/v2/dags/retrain/dagRuns
  template: custom
  headers: {Authorization: "Bearer ${TOKEN}"}
  body:
    run: driftd-${{ id }}
    columns: ${{ data.columns }}
    monitor: "${{data.monitor}}"
"""


def test_templates_do_not_collide_with_the_configurations_own_references() -> None:
    """`${NAME}` is replaced when the file is read, `${{ path }}` when a call is made; neither needs an escape."""
    document = read_document(TEXT, "test", Interpolation({"TOKEN": "t0ken"}, Path()))
    assert document.mistakes == []
    webhook = RetrainingOptions.model_validate(document.value).webhook
    assert webhook.headers == {"Authorization": "Bearer t0ken"}
    assert webhook.body == {
        "run": "driftd-${{ id }}",
        "columns": "${{ data.columns }}",
        "monitor": "${{data.monitor}}",
    }
