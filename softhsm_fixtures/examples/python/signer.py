# SPDX-License-Identifier: BSD-2-Clause
"""The code under test: signs with a key in a token by ctypes, and goes on when the token loses its sessions."""
import ctypes

# In the order of the function list of PKCS#11 2.40, up to the last one that is used.
FUNCTIONS = """C_Initialize C_Finalize C_GetInfo C_GetFunctionList C_GetSlotList C_GetSlotInfo C_GetTokenInfo
C_GetMechanismList C_GetMechanismInfo C_InitToken C_InitPIN C_SetPIN C_OpenSession C_CloseSession C_CloseAllSessions
C_GetSessionInfo C_GetOperationState C_SetOperationState C_Login C_Logout C_CreateObject C_CopyObject C_DestroyObject
C_GetObjectSize C_GetAttributeValue C_SetAttributeValue C_FindObjectsInit C_FindObjects C_FindObjectsFinal C_EncryptInit
C_Encrypt C_EncryptUpdate C_EncryptFinal C_DecryptInit C_Decrypt C_DecryptUpdate C_DecryptFinal C_DigestInit C_Digest
C_DigestUpdate C_DigestKey C_DigestFinal C_SignInit C_Sign""".split()

SERIAL_SESSION, USER, CLASS, LABEL, PRIVATE_KEY, ECDSA = 4, 1, 0, 3, 3, 0x1041
OK, ALREADY_LOGGED_IN = 0, 0x100
# Answers that a new session may mend: device removed, key, object or session handle invalid, session closed, not logged in.
GONE = {0x32, 0x60, 0x82, 0xB3, 0xB0, 0x101}

ulong = ctypes.c_ulong


class Attribute(ctypes.Structure):
    _fields_ = [("type", ulong), ("value", ctypes.c_void_p), ("size", ulong)]


class Mechanism(ctypes.Structure):
    _fields_ = [("mechanism", ulong), ("parameter", ctypes.c_void_p), ("size", ulong)]


class FunctionList(ctypes.Structure):
    _fields_ = [("version", ctypes.c_ubyte * 2)] + [(name, ctypes.CFUNCTYPE(ulong)) for name in FUNCTIONS]


class Pkcs11Error(Exception):
    def __init__(self, function, value):
        super().__init__(f"{function}: 0x{value:x}")
        self.value = value


class Signer:
    def __init__(self, module, token, key, pin):
        self.token, self.key_label, self.pin = token.encode(), key.encode(), pin.encode()
        functions = ctypes.POINTER(FunctionList)()
        ctypes.CDLL(module).C_GetFunctionList(ctypes.byref(functions))
        self.functions = functions.contents
        self.call("C_Initialize", None)
        try:
            self.connect()
        except Exception:
            self.close()
            raise

    def close(self):
        self.call("C_Finalize", None)

    def call(self, name, *arguments):
        function = ctypes.cast(getattr(self.functions, name), ctypes.c_void_p).value
        words = [ulong(word) if isinstance(word, int) else word for word in arguments]
        value = ctypes.CFUNCTYPE(ulong, *[type(word) if word is not None else ctypes.c_void_p for word in words])(function)(*words)
        if value != OK:
            raise Pkcs11Error(name, value)

    def slot(self):
        slots, count = (ulong * 64)(), ulong(64)
        self.call("C_GetSlotList", ctypes.c_ubyte(1), slots, ctypes.pointer(count))
        for slot in slots[:count.value]:
            info = ctypes.create_string_buffer(256)
            self.call("C_GetTokenInfo", slot, info)
            if info.raw[:32] == self.token.ljust(32):
                return slot
        raise LookupError(f"there is no token {self.token.decode()!r}")

    def connect(self):
        """All that is gone with a session: the session, the login, the handle of the key."""
        session = ulong()
        self.call("C_OpenSession", self.slot(), SERIAL_SESSION, None, None, ctypes.pointer(session))
        self.session = session.value
        try:
            self.call("C_Login", self.session, USER, ctypes.c_char_p(self.pin), len(self.pin))
        except Pkcs11Error as error:
            if error.value != ALREADY_LOGGED_IN:
                raise
        self.key = self.find_key()

    def find_key(self):
        kind, label = ulong(PRIVATE_KEY), ctypes.create_string_buffer(self.key_label, len(self.key_label))
        wanted = (Attribute * 2)(Attribute(CLASS, ctypes.addressof(kind), ctypes.sizeof(kind)),
                                 Attribute(LABEL, ctypes.addressof(label), len(self.key_label)))
        self.call("C_FindObjectsInit", self.session, wanted, 2)
        found, count = (ulong * 2)(), ulong()
        self.call("C_FindObjects", self.session, found, 2, ctypes.pointer(count))
        self.call("C_FindObjectsFinal", self.session)
        if count.value != 1:
            raise LookupError(f"{'no key' if count.value == 0 else 'several keys'} {self.key_label.decode()!r}")
        return found[0]

    def sign(self, digest):
        try:
            return self.sign_once(digest)
        except Pkcs11Error as error:
            if error.value not in GONE:
                raise
            self.connect()
            return self.sign_once(digest)

    def sign_once(self, digest):
        signature, size = ctypes.create_string_buffer(64), ulong(64)
        self.call("C_SignInit", self.session, ctypes.pointer(Mechanism(ECDSA, None, 0)), self.key)
        self.call("C_Sign", self.session, ctypes.c_char_p(digest), len(digest), signature, ctypes.pointer(size))
        return signature.raw[:size.value]
