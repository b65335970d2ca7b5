"""Windows of event time or rows: panes that add up, closed once each."""
