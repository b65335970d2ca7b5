"""Why brokers do not let a client in: TLS, SASL, tokens, rights."""

from __future__ import annotations

from sinks.kafka.cause import Cause, cause

TLS: tuple[Cause, ...] = (
    cause(
        "certificate_expired",
        r"certificate has expired",
        "the certificate of a broker of {brokers} has expired",
        "renew the broker's certificate; if it is valid, check this machine's clock",
    ),
    cause(
        "certificate_not_yet_valid",
        r"certificate is not yet valid",
        "the certificate of a broker of {brokers} is not valid yet",
        "check this machine's clock and the certificate's dates",
    ),
    cause(
        "hostname_mismatch",
        r"(?:hostname|IP address) mismatch, certificate is not valid for '(?P<host>[^']*)'",
        "the broker's certificate is not made out to {host}",
        "use the brokers' names as the certificate has them, in `brokers` and in their advertised.listeners;"
        " `tls.verify_hostname: false` gives this check up",
    ),
    cause(
        "certificate_incomplete",
        r"certificate verify failed: (?P<what>Missing \w+ Key Identifier|(?:Basic Constraints of )?CA cert [a-z ]+)",
        "a certificate in the brokers' chain is not made as RFC 5280 wants it: {what}",
        "Python 3.13 and newer check that: issue the certificate anew with that extension",
    ),
    cause(
        "unknown_authority",
        r"CERTIFICATE_VERIFY_FAILED",
        "the certificate of a broker of {brokers} comes from an authority that is not trusted",
        "set `tls.ca` to the PEM file of the authority that signed the brokers' certificates",
    ),
    cause(
        "own_certificate_expired",
        r"alert certificate expired",
        "the brokers say that driftd's own certificate has expired",
        "renew the file in `tls.certificate`; it is read at every connection, no restart is needed",
    ),
    cause(
        "own_certificate_missing",
        r"alert bad certificate|certificate required",
        "the brokers ask for a certificate of the client's own (mTLS)",
        "set `tls.certificate` and `tls.key`",
    ),
    cause(
        "own_certificate_refused",
        r"alert (?:certificate unknown|unknown ca|unsupported certificate|certificate revoked|access denied)",
        "the brokers do not accept driftd's own certificate",
        "it must come from an authority that the brokers trust, and be valid today: check `tls.certificate`",
    ),
    cause(
        "key_mismatch",
        r"KEY_VALUES_MISMATCH",
        "the private key does not belong to the certificate",
        "check that `tls.key` and `tls.certificate` were made together",
    ),
    cause(
        "key_unreadable",
        r"\[SSL\] PEM lib|bad decrypt|bad password read",
        "the private key or the certificate for TLS cannot be read",
        "check `tls.key_password`, and that `tls.certificate` and `tls.key` are PEM files",
    ),
    cause(
        "not_pem",
        r"NO_CERTIFICATE_OR_CRL_FOUND|NO_START_LINE",
        "a file named in `tls` holds no certificate in PEM form",
        "PEM files have lines such as -----BEGIN CERTIFICATE-----",
    ),
    cause(
        "not_tls",
        r"WRONG_VERSION_NUMBER|UNEXPECTED_EOF_WHILE_READING|RECORD_LAYER_FAILURE|UNKNOWN_PROTOCOL|HTTP_REQUEST",
        "the port of {brokers} does not speak TLS",
        "name the port of a listener for SSL or SASL_SSL, or leave `tls` out",
    ),
    cause(
        "no_common_tls",
        r"alert (?:protocol version|handshake failure|insufficient security)|NO_PROTOCOLS_AVAILABLE",
        "driftd and the brokers of {brokers} have no TLS version or cipher in common",
        "allow TLS 1.2 or 1.3 on the brokers",
    ),
)

SASL: tuple[Cause, ...] = (
    cause(
        "token_endpoint",
        r"(?P<words>the token endpoint [^\n]*)",
        "{words}",
        "check `sasl.token_url`, `sasl.client_id`, `sasl.client_secret` and `sasl.scope`",
        passing=True,
    ),
    cause(
        "wrong_token",
        r"(?=.*SaslAuthenticationFailed)(?=.*\b(?:token|OAUTHBEARER|invalid_(?:token|request|client))\b)",
        "the brokers of {brokers} do not accept the token",
        "check the token's audience, scope and issuer against the listener's settings for OAUTHBEARER",
    ),
    cause(
        "wrong_password",
        r"SaslAuthenticationFailed|wrong signature",
        "the brokers of {brokers} do not accept the user name or the password ({mechanism})",
        "check `sasl.username` and `sasl.password`, and that the user exists for this mechanism",
    ),
    cause(
        "mechanism_not_enabled",
        r"UnsupportedSaslMechanism",
        "the listener at {brokers} does not offer the mechanism {mechanism}",
        "choose another `sasl.mechanism`, or add it to the brokers' sasl.enabled.mechanisms",
    ),
    cause(
        "no_sasl_here",
        r"IllegalSaslState",
        "the listener at {brokers} does not ask who driftd is",
        "leave `sasl` out, or name the port of a listener for SASL",
    ),
    cause(
        "kerberos",
        r"(?P<words>GSSAPI lib not found|No GSSAPI lib available|gssapi\.[^\n]*|GSSError[^\n]*)",
        "Kerberos cannot be used: {words}",
        "install the package gssapi, and see that the process has a valid ticket (kinit, or a keytab)",
    ),
)

RIGHTS: tuple[Cause, ...] = (
    cause(
        "topic_not_allowed",
        r"TopicAuthorizationFailed\w*:? ?(?P<what>[^\n]*)|Topic (?P<topic>\S+) is not authorized",
        "driftd's user may not use the topic {topic}{what}",
        "allow it Describe and Read (source) or Describe and Write (sink) on the topic: kafka-acls --add"
        " --allow-principal User:NAME --operation … --topic …",
    ),
    cause(
        "group_not_allowed",
        r"GroupAuthorizationFailed\w*:? ?(?P<what>[^\n]*)",
        "driftd's user may not use the consumer group {what}",
        "allow it Read on the group: kafka-acls --add --allow-principal User:NAME --operation Read --group …",
    ),
    cause(
        "cluster_not_allowed",
        r"ClusterAuthorizationFailed|TransactionalIdAuthorizationFailed",
        "driftd's user lacks a right on the cluster",
        "allow it Write on the topic, which includes idempotent writes since Kafka 3.0; before, IdempotentWrite",
    ),
)
