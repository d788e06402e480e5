# SPDX-License-Identifier: BSD-2-Clause
"""python3 -m unittest; pytest runs it as well."""
import pathlib
import subprocess
import unittest

from fixture import Fixture
from signer import Pkcs11Error, Signer

CONTENT = str(pathlib.Path(__file__).parent / "content.json")
DIGEST = bytes(32)


class SignerTest(unittest.TestCase):
    def setUp(self):
        self.token = Fixture("--content", CONTENT, "--fault-module")
        self.addCleanup(self.token.remove)

    def signer(self, key="signing"):
        token = self.token
        signer = Signer(token["PKCS11_MODULE"], token["PKCS11_TOKEN_LABEL"], key, token["PKCS11_PIN"])
        self.addCleanup(signer.close)
        return signer

    def test_signs(self):
        self.assertEqual(len(self.signer().sign(DIGEST)), 64)
        self.assertEqual(self.token.calls("C_Login"), 1)

    def test_goes_on_after_a_lost_session(self):
        signer = self.signer()
        signer.sign(DIGEST)
        self.token.fault(fault="session-lost", function="C_Sign", times=1)
        self.assertEqual(len(signer.sign(DIGEST)), 64)
        self.assertEqual(self.token.calls("C_Login"), 2)

    def test_goes_on_with_new_handles(self):
        signer = self.signer()
        self.token.fault(fault="handles-renumbered", function="C_SignInit", times=1)
        self.assertEqual(len(signer.sign(DIGEST)), 64)

    def test_tries_a_wrong_pin_once(self):
        self.token.fault(fault="pin-rejected")
        with self.assertRaisesRegex(Pkcs11Error, "C_Login: 0xa0"):
            self.signer()
        self.assertEqual(self.token.calls("C_Login"), 1)

    def test_does_not_guess_between_two_keys(self):
        with self.assertRaisesRegex(LookupError, "several keys 'twin'"):
            self.signer("twin")

    def test_other_programs_find_the_key(self):
        try:
            done = subprocess.run(["p11tool", "--provider", self.token["PKCS11_MODULE"], "--login", "--list-privkeys",
                                   self.token["PKCS11_TOKEN_URI"]], capture_output=True, text=True, check=True)
        except FileNotFoundError:
            self.skipTest("p11tool is not installed")
        self.assertIn("Label: signing", done.stdout)


if __name__ == "__main__":
    unittest.main()
