"""A certificate authority for one test run: server and client certificates for loopback, expired ones too."""

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate with its key, as PEM files. `both` holds them in one file, as Kafka wants its PEM keystores."""

    certificate: Path
    key: Path
    both: Path


_SIGNS = x509.KeyUsage(
    key_cert_sign=True,
    crl_sign=True,
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    encipher_only=False,
    decipher_only=False,
)
"""What an authority's key is for; Python 3.13 trusts none that does not say so."""


class Authority:
    """An authority that signs for loopback.

    Attributes:
        certificate: PEM file that clients trust.
    """

    def __init__(self, folder: Path, name: str = "driftd tests") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._name = folder, name
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = (
            self._builder(self._issuer, self._key.public_key(), days=30)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_SIGNS, critical=True)
        )
        self.certificate = folder / "authority.pem"
        self.certificate.write_bytes(_pem(builder.sign(self._key, hashes.SHA256())))

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, *, days: float
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._issuer)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=60))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
        )

    def issue(
        self,
        name: str,
        *,
        days: float = 30,
        password: str | None = None,
        host: str | None = None,
        file: str | None = None,
    ) -> Pair:
        """A certificate for a client or server on loopback.

        Args:
            name: its common name.
            days: how long it is valid yet; negative = expired.
            password: of the key's file.
            host: the one name it is good for, instead of loopback.
            file: the name of its files, where it is another one than `name`.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        loopback = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        names = x509.SubjectAlternativeName([x509.DNSName(host)] if host else loopback)
        builder = self._builder(subject, key.public_key(), days=days).add_extension(names, critical=False)
        certificate = _pem(builder.sign(self._key, hashes.SHA256()))
        pair = Pair(*(self._folder / f"{file or name}{end}" for end in (".pem", ".key", ".both.pem")))
        pair.certificate.write_bytes(certificate)
        pair.key.write_bytes(_key_pem(key, password))
        pair.both.write_bytes(_key_pem(key, None) + certificate + self.certificate.read_bytes())
        return pair


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey, password: str | None) -> bytes:
    """PKCS 8, which is what Kafka reads."""
    hidden = (
        serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
    )
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, hidden)
