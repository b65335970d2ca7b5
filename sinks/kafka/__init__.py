"""Kafka as a destination, and what the source shares with it: the connection and the explanation of failures.

kafka-python is loaded when the first client is made, never by importing this package.
"""

from sinks.kafka.connection import KafkaConnection

__all__ = ["KafkaConnection"]
