"""What a Python SDK does with wallets, for wallet_test.go.

    walk.py write DIR PASSWORD   makes wallets in DIR
    walk.py read DIR PASSWORD    opens every wallet in DIR, signs, and verifies
                                 the signature that lies beside each hotkey

It runs with bittensor-wallet 4.1.1 and with bittensor 7.4.0, as they come from
PyPI. Each prints one line of JSON.
"""

import json
import os
import pathlib
import sys

MESSAGE = b"bt and the SDK"
PHRASE = "legal winner thank year wave sausage worth useful legal winner thank yellow"

task, directory, password = sys.argv[1:]

try:
    from bittensor_wallet import Keypair, Wallet, keyfile

    BTWALLET = True
except ImportError:
    import base64

    from bittensor import Keypair
    from bittensor import wallet as Wallet

    # The package's own name keyfile is a class.
    keyfile = sys.modules["bittensor.keyfile"]
    BTWALLET = False


def fernet(data):
    """Encrypts as the oldest wallets were; SDK 7 only reads them."""
    from cryptography.fernet import Fernet
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

    kdf = PBKDF2HMAC(
        algorithm=hashes.SHA256(),
        length=32,
        salt=b"Iguesscyborgslikemyselfhaveatendencytobeparanoidaboutourorigins",
        iterations=10000000,
    )
    return Fernet(base64.urlsafe_b64encode(kdf.derive(password.encode()))).encrypt(data)


def write():
    """Makes a wallet a key, and says what is in them."""
    made = []

    def wallet(name, key, encrypt=None, variable=False):
        w = Wallet(name=name, hotkey="default", path=directory)
        if encrypt == "nacl":
            w.coldkey_file.set_keypair(key, encrypt=True, overwrite=False, password=password)
        else:
            w.coldkey_file.set_keypair(key, encrypt=False, overwrite=False)
        if encrypt in ("ansible", "fernet"):
            path = pathlib.Path(w.coldkey_file.path)
            data = keyfile.serialized_keypair_to_keyfile_data(key)
            if encrypt == "ansible":
                data = keyfile.legacy_encrypt_keyfile_data(data, password)
            else:
                data = fernet(data)
            path.write_bytes(bytes(data))
        w.set_coldkeypub(key, overwrite=False)
        hot = Keypair.create_from_uri("//" + name)
        w.set_hotkey(hot, encrypt=False, overwrite=False)
        entry = {"name": name, "coldkey": key.ss58_address, "hotkey": hot.ss58_address}
        entry["format"] = {None: "plain", "ansible": "ansible-vault"}.get(encrypt, encrypt)
        entry["ed25519"] = key.crypto_type == 0
        entry["signature"] = key.sign(MESSAGE).hex()
        if variable:
            entry["variable"] = w.coldkey_file.env_var_name()
            entry["value"] = w.coldkey_file.save_password_to_env(password)
        made.append(entry)

    wallet("mnemonic", Keypair.create_from_mnemonic(PHRASE), "nacl", variable=BTWALLET)
    wallet("vault", Keypair.create_from_mnemonic(PHRASE), "ansible")
    for words in (12, 15, 18, 21, 24):
        phrase = Keypair.generate_mnemonic(words)
        wallet("words-%d" % words, Keypair.create_from_mnemonic(phrase))
    wallet("seed", Keypair.create_from_seed("0x" + "f1" * 32))
    wallet("path", Keypair.create_from_uri(PHRASE + "//hard/soft"))
    if BTWALLET:
        # A seed that is UTF-8: 4.1.1 writes it as text.
        wallet("text", Keypair.create_from_seed("0x" + "11" * 32))
        wallet("password", Keypair.create_from_uri(PHRASE + "//hard///pw"))
        wallet("ed", Keypair.create_from_mnemonic(PHRASE, crypto_type=0))
        wallet("ed-path", Keypair.create_from_uri(PHRASE + "//hard", crypto_type=0))
    else:
        wallet("token", Keypair.create_from_mnemonic(PHRASE), "fernet")
    return made


def read():
    """Opens what is there, by the names that the SDK itself looks for."""
    found = []
    for folder in sorted(pathlib.Path(directory).iterdir()):
        for file in sorted((folder / "hotkeys").iterdir()):
            if file.name.endswith(("pub.txt", ".signature")):
                continue
            w = Wallet(name=folder.name, hotkey=file.name, path=directory)
            entry = {"name": folder.name, "hotkeyName": file.name}
            entry["hotkey"] = w.hotkey.ss58_address
            entry["hotSignature"] = w.hotkey.sign(MESSAGE).hex()
            signature = bytes.fromhex((folder / "hotkeys" / (file.name + ".signature")).read_text())
            entry["verified"] = w.hotkey.verify(MESSAGE, signature)
            if (folder / "coldkey").exists():
                # The password is in the environment, under the SDK's own variable.
                if BTWALLET:
                    w.coldkey_file.save_password_to_env(password)
                else:
                    os.environ["BT_COLD_PW_" + folder.name.upper().replace("-", "_")] = password
                entry["encrypted"] = w.coldkey_file.is_encrypted()
                entry["coldkeypub"] = w.coldkeypub.ss58_address
                key = w.coldkey_file.get_keypair()
                entry["coldkey"] = key.ss58_address
                entry["coldSignature"] = key.sign(MESSAGE).hex()
            found.append(entry)
    return found


print(json.dumps(write() if task == "write" else read()))
