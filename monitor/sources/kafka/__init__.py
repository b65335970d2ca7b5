"""Kafka topics as a source of records.

kafka-python is loaded when the source is opened, not by importing its options.
"""

from monitor.sources.kafka.options import KafkaSource

__all__ = ["KafkaSource"]
