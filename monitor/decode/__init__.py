"""From the bytes of logs to rows in canonical columns."""
