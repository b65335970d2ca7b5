"""Kafka brokers on loopback for tests: Apache Kafka, a cluster of three, and two brokers that come in wheels."""
