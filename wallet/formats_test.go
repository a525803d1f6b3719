package wallet_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/bittensor-go/bt/substrate/keypair"
	"github.com/bittensor-go/bt/wallet"
)

// The key of these files, and what bittensor-wallet 4.1.1 makes of it.
const (
	phrase    = "legal winner thank year wave sausage worth useful legal winner thank yellow"
	phraseKey = "5EHgWw2Af1pnoc7f1A8bfmM97W3DAYW8xr82RfhLL9oAabAe"
	phraseEd  = "5ErKjJLUyc8TTU2vNKrj5UciogZho2MDawb6nN2KG44aU1aB"
	aliceKey  = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
	aliceEd   = "5FA9nQDVg267DEd8m1ZypXLBnvN7SFxYwV7ndqSYGiN9TTpu"
	seed11Key = "5DtDLm5rQHShDqojQpsvcN8tRXHVFaecfDoRet1SU6BFD9Fi"
	seed02Key = "5CfCr47V5Dte6bwxNBE8K9oNnQd9fiay6aDEEkgYtFv7w4Fq"
	seed11Ed  = "5Gmp1LHh81mEqwCDPP7ug46TTMXYo3ZuwVHTeNhP1Gp2jLKV"
)

const vaultPassword = "pässword"

// Two vaults of phrase: legacy_encrypt_keyfile_data of bittensor 7.4.0 wrote one,
// ansible-vault 2.15 with a label the other.
var vaults = map[string]string{
	"1.1": `$ANSIBLE_VAULT;1.1;AES256
38396539303666363936376435363865333530356637613665306432356131613462333264323466
6238636662623032633634636439363232303731343962610a643935366162343961626338346365
30336636333163383433663630376635363833643238313631313462643831663464643633356666
6639333239623930320a393935306238333366386136393332376230313465623932326430656265
35383566316662366432376134396565636363326433303938623237643738353363353937653038
62633363386366376531613432396637633232393237373663646261623335616237346566356365
34383135303934646130656362323233393933343032623135653766343930623337643035663834
30343961653037663239656230646663653863653639383232323462646166633937386166653333
6136
`,
	"1.2": `$ANSIBLE_VAULT;1.2;AES256;bt
38323133636363363935383030343036626263643264376136646337616137613061633463353435
3739646433373734313638656363383439393665623434630a376361363665326630333562363539
63323934323633386262646263333033633133363732346633383835623135663063323135636334
3932313966613865340a383964666130333630363965646235616461343833663932616636616432
36316265336366386164633765633634396333666130663833366437326564323636313036646639
61383030373438643438363137363635393863383635373036323964316436346132646136323539
62393464383665336463346233396164633431396339393966323764323135353864366331643664
30336432643037633961336137666337666632383239323339386362613239376563666234373661
6130
`,
}

func TestAnsibleVault(t *testing.T) {
	for version, vault := range vaults {
		for name, data := range map[string]string{
			version:                       vault,
			version + " of Windows":       strings.ReplaceAll(vault, "\n", "\r\n"),
			version + " in one line":      strings.Replace(strings.ReplaceAll(vault, "\n", ""), "AES256", "AES256\n", 1),
			version + " with blank lines": "\n" + vault + "\n\n",
		} {
			if version == "1.2" && strings.Contains(name, "one line") {
				continue // the label would go with the text
			}
			p, err := wallet.ParseKey([]byte(data), constant(vaultPassword))
			if err != nil || p.Account().String() != phraseKey {
				t.Errorf("%s: %v, %v", name, p, err)
			}
		}
		for name, password := range map[string]wallet.Password{"another": constant("password"), "none": constant("")} {
			if _, err := wallet.ParseKey([]byte(vault), password); !errors.Is(err, wallet.ErrWrongPassword) {
				t.Errorf("%s, %s password: %v", version, name, err)
			}
		}
		if _, err := wallet.ParseKey([]byte(vault), nil); !errors.Is(err, wallet.ErrLocked) {
			t.Errorf("%s without a password: %v", version, err)
		}
	}
}

// What is damaged is told before anyone is asked for a password.
func TestDamaged(t *testing.T) {
	dir, _ := readParity(t)
	fernet, err := os.ReadFile(filepath.Join(dir, "fernet.sdk6"))
	if err != nil {
		t.Fatal(err)
	}
	vault := vaults["1.1"]
	for name, data := range map[string]string{
		"the vault's end is missing":    vault[:len(vault)-40],
		"its header alone":              vault[:27],
		"half a digit":                  vault[:len(vault)-2],
		"no digits":                     strings.Replace(vault, "38396539", "38396g39", 1),
		"two parts":                     vault[:170],
		"digits that hold no digits":    vault[:27] + strings.Repeat("7a", 90),
		"the token's end is missing":    string(fernet[:len(fernet)-7]),
		"the token's beginning":         string(fernet[:80]),
		"a token without a text":        string(tokenFile([]byte{1, 2, 3, 4}, make([]byte, 16), make([]byte, 32))),
		"a vault with half an HMAC":     string(vaultFile(make([]byte, 32), make([]byte, 16), make([]byte, 16))),
		"a vault without a text":        string(vaultFile(make([]byte, 32), make([]byte, 32), nil)),
		"a letter that is not base64":   strings.Replace(string(fernet), "gAAAAAB", "gAAAAA!", 1),
		"a box without a text":          "$NACL" + strings.Repeat("x", 30),
		"a vault of none of the kinds":  strings.Replace(vault, "AES256", "AES128", 1),
		"a vault of another version":    strings.Replace(vault, "1.1", "1.0", 1),
		"a vault with half a header":    "$ANSIBLE_VAULT",
		"an export of polkadot.js":      `{"encoded": "MFMCAQ", "encoding": {"version": "3"}, "address": "` + aliceKey + `"}`,
		"a key after quantum computers": `{"secretSeed": "0x` + strings.Repeat("11", 32) + `", "cryptoType": 7}`,
	} {
		p, err := wallet.ParseKey([]byte(data), never(t))
		if p != nil || !errors.Is(err, wallet.ErrFormat) && !errors.Is(err, wallet.ErrUnsupported) {
			t.Errorf("%s: %v, %v", name, p, err)
		}
	}
}

// Files as the generations of the SDK wrote them.
func TestGenerations(t *testing.T) {
	seed11 := "0x" + strings.Repeat("11", 32)
	for name, test := range map[string]struct{ data, want string }{
		"7.4.0, mnemonic":          {`{"accountId": "0x625e25364c7b68e0a83065ccb40afed43f8fe933e669b24f3d69a57eddb3b715", "publicKey": "0x625e25364c7b68e0a83065ccb40afed43f8fe933e669b24f3d69a57eddb3b715", "privateKey": "0xad8a44476e667ef8eab356d1d6f09303f21ba1ac44a3f8b96210bdd603d1900bb25d15f130020fffc3261f584f84168e7a6f0009f6c3abb2f3fa460f493b0595", "secretPhrase": "legal winner thank year wave sausage worth useful legal winner thank yellow", "secretSeed": "0x6fa2796b0071cac425d8a7851038318c2c37dcebfe4bae73197ce93e75909bd2", "ss58Address": "5EHgWw2Af1pnoc7f1A8bfmM97W3DAYW8xr82RfhLL9oAabAe"}`, phraseKey},
		"7.4.0, phrase//hard/soft": {`{"accountId": "0x60368e7618eae4f067260921a005e932a3c08a7845dc8c952d6a8b49128d0e62", "publicKey": "0x60368e7618eae4f067260921a005e932a3c08a7845dc8c952d6a8b49128d0e62", "privateKey": "0x697395412356afabcd937bed11cc1a1d6277c163672fc8fa29af3a5ba9e0fa0d2c3c271fea61d44e0516682c2811b3ef68745f4eb6b94d4e3db6fe57415b57e6", "secretPhrase": null, "secretSeed": null, "ss58Address": "5EErfH2p8CS2q2vBe3pmkrM4RSiNVgwXij1hzJtjUgGuCyqB"}`, "5EErfH2p8CS2q2vBe3pmkrM4RSiNVgwXij1hzJtjUgGuCyqB"},
		"4.1.1, uri":               {`{"privateKey":"0x5d9bad33d041e0c18be74f4bde7b9462591df47ac558c84312185091014b090c46ab28e97c3ffc77fe12b5a4d37e8cd4afbfebbf2391ffc7cb07c0f38c023efd","ss58Address":"5GNJqTPyNqANBkUVMN1LPPrxXnFouWXoe2wNSmmEoLctxiZY","accountId":"0xbe5ddb1579b72e84524fc29e78609e3caf42e85aa118ebfe0b0ad404b5bdd25f","publicKey":"0xbe5ddb1579b72e84524fc29e78609e3caf42e85aa118ebfe0b0ad404b5bdd25f","cryptoType":1}`, "5GNJqTPyNqANBkUVMN1LPPrxXnFouWXoe2wNSmmEoLctxiZY"},
		// btwallet takes a seed that is UTF-8 for text. It cannot open the file itself.
		"4.1.1, seed that is text":    {`{"secretSeed":"0x\u0011\u0011\u0011\u0011\u0011\u0011\u0011\u0011\u0011\u0011\u0011\u0011\u0011\u0011\u0011\u0011\u0011\u0011\u0011\u0011\u0011\u0011\u0011\u0011\u0011\u0011\u0011\u0011\u0011\u0011\u0011\u0011","ss58Address":"5DtDLm5rQHShDqojQpsvcN8tRXHVFaecfDoRet1SU6BFD9Fi","publicKey":"0x50780547322a1ceba67ea8c552c9bc6c686f8698ac9a8cafab7cd15a1db19859","cryptoType":1,"privateKey":"0x704b72419b89bab3a4632685428901bf5715b44e40ec0df50f01fdc1553bf60b092539815e61663c7f9c4c9c377346f5d2936875bd760f0ac5c5f4f6e78a6d76","accountId":"0x50780547322a1ceba67ea8c552c9bc6c686f8698ac9a8cafab7cd15a1db19859"}`, seed11Key},
		"4.1.1, ed25519":              {`{"privateKey":"0x6fa2796b0071cac425d8a7851038318c2c37dcebfe4bae73197ce93e75909bd2","secretSeed":"0x6fa2796b0071cac425d8a7851038318c2c37dcebfe4bae73197ce93e75909bd2","secretPhrase":"legal winner thank year wave sausage worth useful legal winner thank yellow","ss58Address":"5ErKjJLUyc8TTU2vNKrj5UciogZho2MDawb6nN2KG44aU1aB","accountId":"0x7b4344ead732d6beeeded95d39e330ef0c16ae806046b296737dababb8a0b80d","publicKey":"0x7b4344ead732d6beeeded95d39e330ef0c16ae806046b296737dababb8a0b80d","cryptoType":0}`, phraseEd},
		"4.1.1, ed25519, uri":         {`{"cryptoType":0,"accountId":"0x88dc3417d5058ec4b4503e0c12ea1a0a89be200fe98922423d4334014fa6b0ee","privateKey":"0xabf8e5bdbe30c65656c0a3cbd181ff8a56294a69dfedd27982aace4a76909115","publicKey":"0x88dc3417d5058ec4b4503e0c12ea1a0a89be200fe98922423d4334014fa6b0ee","ss58Address":"5FA9nQDVg267DEd8m1ZypXLBnvN7SFxYwV7ndqSYGiN9TTpu"}`, aliceEd},
		"ed25519 with its public key": {`{"privateKey":"` + seed11 + `d04ab232742bb4ab3a1368bd4615e4e6d0224ab71a016baf8520a332c9778737","cryptoType":0}`, seed11Ed},
		"SDK 11":                      {`{"secretSeed":"` + seed11 + `","cryptoType":"1","accountType":"classic","signingScheme":"sr25519"," ss58Address":"` + seed11Key + `"}`, seed11Key},
		// The kind is missing or wrong: the address settles it.
		"ed25519 unsaid":     {`{"secretSeed":"` + seed11 + `","ss58Address":"` + seed11Ed + `"}`, seed11Ed},
		"sr25519 mislabeled": {`{"secretPhrase":"` + phrase + `","ss58Address":"` + phraseKey + `","cryptoType":0}`, phraseKey},
		// The SDK 6 and 7 read the seed first, the others the phrase.
		"seed of the address":   {`{"secretPhrase":"` + phrase + `","secretSeed":"` + seed11 + `","ss58Address":"` + seed11Key + `"}`, seed11Key},
		"phrase of the address": {`{"secretPhrase":"` + phrase + `","secretSeed":"` + seed11 + `","ss58Address":"` + phraseKey + `"}`, phraseKey},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := wallet.ParseKey([]byte(test.data), never(t))
			if err != nil {
				t.Fatal(err)
			}
			if p.Account().String() != test.want {
				t.Errorf("%s, want %s", p.Account(), test.want)
			}
			if id, err := wallet.ParsePublic([]byte(test.data)); err != nil || id != p.Account() {
				t.Errorf("ParsePublic: %s, %v", id, err)
			}
			signature, err := p.Sign([]byte("x"))
			if err != nil || !keypair.Verify(p.Scheme(), p.Account(), []byte("x"), signature) {
				t.Errorf("its signature does not hold (%v)", err)
			}
		})
	}
}

// Files from before there was JSON. Bytes of 0xf1 cannot be a public key, bytes of
// 2 can (RFC 9496, computed in Python); the addresses are those of btwallet 4.1.1
// and of bittensor 11.3.0, which reads such files and takes all digits for seeds.
func TestRaw(t *testing.T) {
	const (
		public     = "0x50780547322a1ceba67ea8c552c9bc6c686f8698ac9a8cafab7cd15a1db19859"
		seedF1Key  = "5DSSS3e4HKexFhGpwZqJKaRMxyeFjqkxQWrg2q1sP3bQRoLA"
		seed11Priv = "704b72419b89bab3a4632685428901bf5715b44e40ec0df50f01fdc1553bf60b092539815e61663c7f9c4c9c377346f5d2936875bd760f0ac5c5f4f6e78a6d76"
	)
	seedF1, seed02 := "0x"+strings.Repeat("f1", 32), "0x"+strings.Repeat("02", 32)
	for name, test := range map[string]struct {
		data, pub string // of the key's file and of the file beside it, "" for none
		want      string
		err       error
	}{
		"mnemonic":                       {phrase + "\n", "", phraseKey, nil},
		"mnemonic, an account beside it": {phrase, phraseKey, phraseKey, nil},
		"mnemonic of another":            {phrase, seedF1Key, "", wallet.ErrMismatch},
		"no mnemonic":                    {strings.Replace(phrase, "year", "yeast", 1), "", "", keypair.ErrMnemonic},
		"seed":                           {seedF1, "", seedF1Key, nil},
		"seed without 0x":                {seedF1[2:], "", seedF1Key, nil},
		"seed in capitals":               {strings.ToUpper(seedF1[2:]), "", seedF1Key, nil},
		"private key":                    {"0x" + seed11Priv, "", seed11Key, nil},
		"seed or public key":             {seed02, "", "", wallet.ErrFormat},
		"seed, says the account":         {seed02, `{"ss58Address":"` + seed02Key + `"}`, seed02Key, nil},
		"seed of another":                {seed02, seedF1Key, "", wallet.ErrMismatch},
		"public key":                     {public, "", "", wallet.ErrFormat},
		"public key, says the account":   {public, public, "", wallet.ErrNoSecret},
	} {
		t.Run(name, func(t *testing.T) {
			s := wallet.Store{Dir: t.TempDir()}
			path := filepath.Join(s.Dir, "w", "coldkey")
			if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(test.data), 0o600); err != nil {
				t.Fatal(err)
			}
			if test.pub != "" {
				if err := os.WriteFile(path+"pub.txt", []byte(test.pub), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			w, err := s.Open("w", "")
			if err != nil {
				t.Fatal(err)
			}
			p, err := w.UnlockColdkey(never(t))
			if !errors.Is(err, test.err) || (p == nil) != (test.want == "") {
				t.Fatalf("%v, %v; want %s, %v", p, err, test.want, test.err)
			}
			entries, listErr := s.List()
			if listErr != nil || entries[0].Coldkey.Format != wallet.Raw {
				t.Errorf("listed %+v, %v", entries, listErr)
			}
			if p != nil {
				if id, err := w.Coldkey(); err != nil || id != p.Account() || id.String() != test.want {
					t.Errorf("account %s, %v; want %s", id, err, test.want)
				}
				return
			}
			// What may be a secret is in no error, neither as it is nor as an address.
			text := fmt.Sprint(err, entries[0].Coldkey.Err)
			if test.pub == "" && entries[0].Coldkey.Account != nil {
				t.Errorf("listed as %s", entries[0].Coldkey.Account)
			}
			for _, secret := range []string{"0202", "5078", "yeast", "winner", "5C7"} {
				if strings.Contains(text, secret) {
					t.Errorf("the error holds a secret: %s", text)
				}
			}
		})
	}
	if id, err := wallet.ParsePublic([]byte(seed02)); err != nil || hex.EncodeToString(id[:]) != seed02[2:] {
		t.Errorf("a bare public key: %s, %v", id, err)
	}
}

// What bittensor-wallet 4.1.1 writes for the same key. Seed of 0xf1: others it
// writes as text.
func TestWritesKeysOfEveryOrigin(t *testing.T) {
	seedF1 := bytes.Repeat([]byte{0xf1}, 32)
	for name, test := range map[string]struct {
		make     func() (*keypair.Pair, error)
		mnemonic string
		want     string
	}{
		"private key": {
			func() (*keypair.Pair, error) {
				b, err := hex.DecodeString("704b72419b89bab3a4632685428901bf5715b44e40ec0df50f01fdc1553bf60b092539815e61663c7f9c4c9c377346f5d2936875bd760f0ac5c5f4f6e78a6d76")
				if err != nil {
					return nil, err
				}
				return keypair.FromPrivateKey(keypair.Sr25519, b)
			}, "",
			`{"privateKey":"0x704b72419b89bab3a4632685428901bf5715b44e40ec0df50f01fdc1553bf60b092539815e61663c7f9c4c9c377346f5d2936875bd760f0ac5c5f4f6e78a6d76","publicKey":"0x50780547322a1ceba67ea8c552c9bc6c686f8698ac9a8cafab7cd15a1db19859","accountId":"0x50780547322a1ceba67ea8c552c9bc6c686f8698ac9a8cafab7cd15a1db19859","ss58Address":"5DtDLm5rQHShDqojQpsvcN8tRXHVFaecfDoRet1SU6BFD9Fi","cryptoType":1}`,
		},
		"seed": {
			func() (*keypair.Pair, error) { return keypair.FromSeed(keypair.Sr25519, seedF1) }, "",
			`{"publicKey":"0x3ccfb571f4213280f8fb3eb59b033ea0a015eb8df729b1b22db6e3be24c23c09","accountId":"0x3ccfb571f4213280f8fb3eb59b033ea0a015eb8df729b1b22db6e3be24c23c09","privateKey":"0x565dd488524b47f4d1826cc651371ddb4f1fcf0ea597e0dc6fcd814763c4920d2d7ee1bd46406836a44a83c5e563887b62c0b8fcd1a7767d311c01b852e55da8","secretSeed":"0xf1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1","ss58Address":"5DSSS3e4HKexFhGpwZqJKaRMxyeFjqkxQWrg2q1sP3bQRoLA","cryptoType":1}`,
		},
		"ed25519 mnemonic": {
			func() (*keypair.Pair, error) { return keypair.FromMnemonic(keypair.Ed25519, phrase) }, phrase,
			`{"privateKey":"0x6fa2796b0071cac425d8a7851038318c2c37dcebfe4bae73197ce93e75909bd2","secretSeed":"0x6fa2796b0071cac425d8a7851038318c2c37dcebfe4bae73197ce93e75909bd2","secretPhrase":"legal winner thank year wave sausage worth useful legal winner thank yellow","ss58Address":"5ErKjJLUyc8TTU2vNKrj5UciogZho2MDawb6nN2KG44aU1aB","accountId":"0x7b4344ead732d6beeeded95d39e330ef0c16ae806046b296737dababb8a0b80d","publicKey":"0x7b4344ead732d6beeeded95d39e330ef0c16ae806046b296737dababb8a0b80d","cryptoType":0}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			key, err := test.make()
			if err != nil {
				t.Fatal(err)
			}
			s := wallet.Store{Dir: t.TempDir()}
			made, err := s.CreateHotkey("w", "h", wallet.CreateOptions{Key: key, Mnemonic: test.mnemonic})
			if err != nil {
				t.Fatal(err)
			}
			if made.Mnemonic() != test.mnemonic || made.Account != key.Account() {
				t.Errorf("made %s", made.Account)
			}
			if _, err := key.Sign(nil); err != nil {
				t.Errorf("the caller's key was wiped: %v", err)
			}
			data, err := os.ReadFile(made.Path)
			if err != nil {
				t.Fatal(err)
			}
			var got, want map[string]any
			if err := errors.Join(json.Unmarshal(data, &got), json.Unmarshal([]byte(test.want), &want)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-SDK +bt:\n%s", diff)
			}
			w, err := s.Open("w", "h")
			if err != nil {
				t.Fatal(err)
			}
			if p, err := w.UnlockHotkey(never(t)); err != nil || p.Account() != key.Account() || p.Scheme() != key.Scheme() {
				t.Errorf("%v, %v", p, err)
			}
			public, err := os.ReadFile(made.Path + "pub.txt")
			if err != nil || !bytes.Equal(public, wallet.PublicFile(key.Account(), key.Scheme())) {
				t.Errorf("pub.txt %s, %v", public, err)
			}
		})
	}
	s := wallet.Store{Dir: t.TempDir()}
	blanks := "\n " + strings.ReplaceAll(phrase, " ", " \t") + "\r\n"
	made, err := s.CreateHotkey("w", "ed", wallet.CreateOptions{Mnemonic: blanks, Scheme: keypair.Ed25519})
	if err != nil || made.Account.String() != phraseEd || made.Mnemonic() != phrase {
		t.Errorf("ed25519 of a mnemonic: %v, %v", made, err)
	}
	if w, err := s.Open("w", "ed"); err != nil {
		t.Error(err)
	} else if p, err := w.UnlockHotkey(never(t)); err != nil || p.Account() != made.Account {
		t.Errorf("ed25519 of a mnemonic, opened: %v, %v", p, err)
	}
	key, err := keypair.FromSeed(keypair.Sr25519, seedF1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateHotkey("w", "h", wallet.CreateOptions{Key: key, Mnemonic: phrase}); !errors.Is(err, keypair.ErrMnemonic) {
		t.Errorf("the mnemonic of another key: %v", err)
	}
	key.Wipe()
	if _, err := s.CreateHotkey("w", "h", wallet.CreateOptions{Key: key}); !errors.Is(err, keypair.ErrWiped) {
		t.Errorf("a wiped key: %v", err)
	}
}

func TestCreatePub(t *testing.T) {
	s := wallet.Store{Dir: t.TempDir()}
	alice, ed := mustParse(t, aliceKey), mustParse(t, aliceEd)
	path, err := s.CreateColdkeyPub("watch", alice, keypair.Sr25519)
	if err != nil {
		t.Fatal(err)
	}
	hot, err := s.CreateHotkeyPub("watch", "ed", ed, keypair.Ed25519)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		path: `{"accountId":"0xd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d","publicKey":"0xd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d","ss58Address":"` + aliceKey + `","cryptoType":1}`,
		hot:  `{"accountId":"0x88dc3417d5058ec4b4503e0c12ea1a0a89be200fe98922423d4334014fa6b0ee","publicKey":"0x88dc3417d5058ec4b4503e0c12ea1a0a89be200fe98922423d4334014fa6b0ee","ss58Address":"` + aliceEd + `","cryptoType":0}`,
	} {
		if data, err := os.ReadFile(path); err != nil || string(data) != want {
			t.Errorf("%s: %s, %v", path, data, err)
		}
	}
	w, err := s.Open("watch", "ed")
	if err != nil {
		t.Fatal(err)
	}
	if id, err := w.Coldkey(); err != nil || id != alice {
		t.Errorf("coldkey %s, %v", id, err)
	}
	if _, err := w.UnlockColdkey(never(t)); !errors.Is(err, wallet.ErrNotFound) {
		t.Errorf("a secret: %v", err)
	}
	entries, err := s.List()
	if err != nil || entries[0].Coldkey.Scheme != keypair.Sr25519 || entries[0].Hotkeys[0].Scheme != keypair.Ed25519 {
		t.Errorf("listed %+v, %v", entries, err)
	}
	if _, err := s.CreateColdkeyPub("watch", alice, keypair.Sr25519); !errors.Is(err, wallet.ErrExists) {
		t.Errorf("twice: %v", err)
	}
	if _, err := s.CreateHotkeyPub("watch", "../x", alice, keypair.Sr25519); !errors.Is(err, wallet.ErrName) {
		t.Errorf("no name: %v", err)
	}
	// The file that is missing beside a secret comes back, but for its own account only.
	made, err := s.CreateHotkey("watch", "h", wallet.CreateOptions{Mnemonic: phrase})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(made.Path + "pub.txt"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateHotkeyPub("watch", "h", alice, keypair.Sr25519); !errors.Is(err, wallet.ErrMismatch) {
		t.Errorf("for another account: %v", err)
	}
	if _, err := s.CreateHotkeyPub("watch", "h", made.Account, keypair.Sr25519); err != nil {
		t.Error(err)
	}
}

// The BT_PW_ values are what save_password_to_env of bittensor-wallet 4.1.1 set.
func TestPasswordOfTheEnvironment(t *testing.T) {
	if filepath.Separator != '/' {
		t.Skip("the variables' names are of another system's paths")
	}
	const (
		savedCold = "BT_PW_WALLETS_MY_WALLET-1_COLDKEY"
		savedHot  = "BT_PW_WALLETS_MY_WALLET-1_HOTKEYS_H"
		cold      = "BT_COLD_PW_MY.WALLET_1"
		all       = "BT_WALLET_PASSWORD"
	)
	t.Chdir(t.TempDir())
	s := wallet.Store{Dir: "wallets"}
	if _, err := s.Wallet("none", "../h"); !errors.Is(err, wallet.ErrName) {
		t.Errorf("no name: %v", err)
	}
	w, err := s.Wallet("my.wallet-1", "h") // asked of a wallet before it is made, too
	if err != nil {
		t.Fatal(err)
	}
	type env map[string]string
	for name, test := range map[string]struct {
		env       env
		cold, hot [2]string // password and variable
		err       bool
	}{
		"nothing":              {},
		"empty":                {env: env{savedCold: "", cold: "", all: ""}},
		"for all":              {env: env{all: " p w "}, cold: [2]string{" p w ", all}, hot: [2]string{" p w ", all}},
		"SDK 7":                {env: env{all: "a", cold: "c"}, cold: [2]string{"c", cold}, hot: [2]string{"a", all}},
		"SDK 7, until the dot": {env: env{"BT_COLD_PW_MY": "c"}, cold: [2]string{"c", "BT_COLD_PW_MY"}},
		"btwallet": {
			env:  env{all: "a", cold: "c", savedCold: "Mpf7IyQoODMobHQ=", savedHot: "Og=="},
			cold: [2]string{"pässword 1", savedCold}, hot: [2]string{"x", savedHot},
		},
		"not base64": {env: env{savedCold: "hunter2!"}, cold: [2]string{"", savedCold}, err: true},
		"not text":   {env: env{savedCold: "vf8="}, cold: [2]string{"", savedCold}, err: true},
	} {
		t.Run(name, func(t *testing.T) {
			getenv := func(name string) string { return test.env[name] }
			password, variable, err := w.ColdkeyPassword(getenv)
			if got := [2]string{password, variable}; got != test.cold || (err != nil) != test.err {
				t.Errorf("coldkey %q, %v; want %q", got, err, test.cold)
			}
			if err != nil && (!strings.Contains(err.Error(), savedCold) || strings.Contains(err.Error(), "hunter2")) {
				t.Errorf("error %v", err)
			}
			password, variable, err = w.HotkeyPassword(getenv)
			if got := [2]string{password, variable}; got != test.hot || err != nil {
				t.Errorf("hotkey %q, %v; want %q", got, err, test.hot)
			}
		})
	}
	// btwallet's paths are absolute where it was not told otherwise.
	abs, err := filepath.Abs("wallets/my.wallet-1/coldkey")
	if err != nil {
		t.Fatal(err)
	}
	name := "BT_PW_" + strings.ToUpper(strings.NewReplacer("/", "_", ".", "_").Replace(abs))
	_, variable, err := w.ColdkeyPassword(func(v string) string {
		if v == name {
			return "Og=="
		}
		return ""
	})
	if err != nil || variable != name {
		t.Errorf("by its absolute path: %q, %v; want %q", variable, err, name)
	}
}

// Whatever a variable holds gives a password or an error, and never a piece of the
// value in the error.
func FuzzColdkeyPassword(f *testing.F) {
	for _, s := range []string{"", "Og==", "Mpf7IyQoODMobHQ=", " Og==\n", "vf8=", "hunter2 is no base64", "====", strings.Repeat("QUJD", 40)} {
		f.Add(s)
	}
	w, err := wallet.Store{Dir: "wallets"}.Wallet("my", "")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, value string) {
		const name = "BT_PW_WALLETS_MY_COLDKEY"
		password, variable, err := w.ColdkeyPassword(func(v string) string {
			if v == name {
				return value
			}
			return ""
		})
		switch {
		case value == "" && (variable != "" || err != nil || password != ""):
			t.Fatalf("nothing is set: %q, %v", variable, err)
		case value != "" && variable != name:
			t.Fatalf("the password is from %q", variable)
		case err != nil && (password != "" || len(value) > 20 && strings.Contains(err.Error(), value)):
			t.Fatalf("the error holds the value: %v", err)
		case err == nil && !utf8.ValidString(password):
			t.Fatalf("the password %q is no text", password)
		}
	})
}

// The name of the variable is what bittensor-wallet 4.1.1's env_var_name says.
func TestPasswordOfAnOddName(t *testing.T) {
	if filepath.Separator != '/' {
		t.Skip("the variables' names are of another system's paths")
	}
	t.Chdir(t.TempDir())
	w, err := wallet.Store{Dir: "wallets"}.Wallet("straße", "h")
	if err != nil {
		t.Fatal(err)
	}
	const name, masked = "BT_PW_WALLETS_STRASSE_COLDKEY", "MiM=" // "pw" XOR "BT"
	password, variable, err := w.ColdkeyPassword(func(asked string) string {
		if asked == name {
			return masked
		}
		return ""
	})
	if err != nil || password != "pw" || variable != name {
		t.Errorf("%q from %q, %v", password, variable, err)
	}
}

// SDK 7 and btcli overwrite a hotkey and leave its pub.txt as it was: what names two
// accounts names none.
func TestStalePublicFile(t *testing.T) {
	s := wallet.Store{Dir: t.TempDir()}
	for _, name := range []string{"one", "two"} {
		if _, err := s.CreateHotkey("w", name, wallet.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	hotkeys := filepath.Join(s.Dir, "w", "hotkeys")
	if err := os.Rename(filepath.Join(hotkeys, "two"), filepath.Join(hotkeys, "one")); err != nil {
		t.Fatal(err)
	}
	w, err := s.Open("w", "one")
	if err != nil {
		t.Fatal(err)
	}
	if id, err := w.Hotkey(); !errors.Is(err, wallet.ErrMismatch) {
		t.Errorf("%v, %v", id, err)
	}
}
