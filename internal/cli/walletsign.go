package cli

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bittensor-go/bt/substrate/keypair"
	"github.com/bittensor-go/bt/substrate/ss58"
	"github.com/bittensor-go/bt/subtensor"
)

const walletSignLong = `Sign a text with a wallet's coldkey, or with its hotkey (--use-hotkey): the bytes of
its UTF-8, as btcli wallet sign does. bt wallet verify and btcli wallet verify
check it.

The text is not wrapped in anything: never sign what somebody else wrote and you do
not understand.`

func (a *app) walletSign() *cobra.Command {
	var (
		names   walletFlags
		hotkey  bool
		message string
	)
	cmd := &cobra.Command{
		Use:     "sign",
		Short:   "Sign a text",
		Long:    walletSignLong,
		Example: `  bt wallet sign --wallet-name alice --use-hotkey --message "I run this miner"`,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("message") {
				return usage(cmd.CommandPath()+` --message "..."`, "what is to be signed? --message names it")
			}
			return walletError(a.runWalletSign(cmd.Context(), names, hotkey, message))
		},
	}
	a.walletFlags(cmd, &names)
	a.homeFlag(cmd)
	useHotkeyFlag(cmd, &hotkey, "sign with")
	cmd.Flags().StringVarP(&message, "message", "m", "", "the text to sign")
	cmd.Flags().BoolFunc("no-use-hotkey", "", func(string) error { hotkey = false; return nil })
	_ = cmd.Flags().MarkHidden("no-use-hotkey") // it fails where there is no such flag
	ignored(cmd)
	return cmd
}

// signResult is the document of bt wallet sign --json.
type signResult struct {
	Wallet     string `json:"wallet"`
	Key        string `json:"key"` // "coldkey", or "hotkey" and its name
	Address    string `json:"address"`
	CryptoType string `json:"crypto_type"`
	Signature  string `json:"signature"`
}

func (a *app) runWalletSign(ctx context.Context, names walletFlags, hotkey bool, message string) error {
	w, err := a.openWallet(names)
	if err != nil {
		return err
	}
	which := subtensor.ColdkeySigns
	if hotkey {
		which = subtensor.HotkeySigns
	}
	p, err := a.unlock(ctx, w, which)
	if err != nil {
		return err
	}
	defer p.Wipe()
	signature, err := p.Sign([]byte(message))
	if err != nil {
		return err
	}
	r := signResult{Wallet: w.Name, Key: keyName(w, hotkey), Address: p.Account().String(), CryptoType: p.Scheme().String(), Signature: fmt.Sprintf("0x%x", signature)}
	if a.json {
		return a.printJSON(r)
	}
	return a.print("%s", lines("signature", r.Signature, "address", r.Address, "key", r.Key+" ("+r.CryptoType+")"))
}

const walletVerifyLong = `Say whether an account signed a text: the exit code is 0 for yes and 1 for no. No
wallet is needed. The address does not say which kind of key it is of: a signature
of either kind counts, as it does on the chain, unless --crypto-type names one.
(btcli wallet verify knows sr25519 alone.)

As with btcli, a signature also counts that is of the text between <Bytes> and
</Bytes>: so wallets in browsers sign.`

func (a *app) walletVerify() *cobra.Command {
	var (
		address, message, signature string
		kind                        cryptoTypeValue
	)
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Say whether an account signed a text",
		Long:  walletVerifyLong,
		Example: `  bt wallet verify --ss58 5GWQQhvXgLKNLZqkpxpr8VG9qZ5sSExSsLGairwVLBY6Qv1D --message "bt signs für τ" \
    --signature f875e5cb14a05a76759b89d216150113af1bd6dd2bf8f9572bd2e85a328e9a6077a376494b3d7c30edd7d1d74839af39115be84ae122062caf5276e260a51a8a`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			try := cmd.CommandPath() + ` --ss58 5... --message "..." --signature 0x...`
			if address == "" || signature == "" || !cmd.Flags().Changed("message") {
				return usage(try, "--ss58, --message and --signature say what is to be checked: all three are needed")
			}
			id, err := parseAccount(address)
			if err != nil {
				return usage(try, "--ss58: %w", err)
			}
			b, err := hex.DecodeString(strings.TrimPrefix(strings.TrimSpace(signature), "0x"))
			if err != nil || len(b) != 64 {
				return usage(try, "--signature: signatures are 64 bytes in hexadecimal")
			}
			return a.printVerifiedSignature(verified(id, kind, message, [64]byte(b)))
		},
	}
	cmd.Flags().StringVar(&address, "ss58", "", "the `address` or public key of who is to have signed")
	also(cmd, "ss58", "ss58-address")
	cmd.Flags().StringVarP(&address, "address", "a", "", "")
	cmd.Flags().StringVarP(&address, "public-key", "p", "", "")
	for _, name := range []string{"address", "public-key"} {
		_ = cmd.Flags().MarkHidden(name) // it fails where there is no such flag
	}
	cmd.Flags().StringVarP(&message, "message", "m", "", "the text that was signed")
	cmd.Flags().StringVarP(&signature, "signature", "s", "", "the signature in `hexadecimal`")
	cryptoTypeFlag(cmd, &kind, "crypto-type", "kind of key: sr25519 or ed25519 (default either)")
	ignored(cmd)
	return cmd
}

// verified says which kind of key signed a message, and in what form.
func verified(id ss58.AccountID, kind cryptoTypeValue, message string, signature [64]byte) verifiedResult {
	for _, scheme := range []keypair.Scheme{keypair.Sr25519, keypair.Ed25519} {
		if kind.set && kind.scheme != scheme {
			continue
		}
		for _, wrapped := range []bool{false, true} {
			text := message
			if wrapped {
				text = "<Bytes>" + message + "</Bytes>"
			}
			if keypair.Verify(scheme, id, []byte(text), signature) {
				return verifiedResult{Valid: true, Address: id.String(), CryptoType: scheme.String(), Wrapped: wrapped}
			}
		}
	}
	return verifiedResult{Address: id.String()}
}

// verifiedResult is the document of bt wallet verify --json.
type verifiedResult struct {
	Valid      bool   `json:"valid"`
	Address    string `json:"address"`
	CryptoType string `json:"crypto_type,omitempty"` // of the key that signed
	Wrapped    bool   `json:"wrapped,omitempty"`     // the text was signed between <Bytes> and </Bytes>
}

func (a *app) printVerifiedSignature(r verifiedResult) error {
	what := "the text"
	if r.Wrapped {
		what += ", between <Bytes> and </Bytes>,"
	}
	var err error
	switch {
	case a.json:
		err = a.printJSON(r)
	case r.Valid:
		err = a.print("%s", lines("yes", what+" was signed by", "address", r.Address, "kind", r.CryptoType))
	default:
		err = a.print("no\n")
	}
	if err != nil || r.Valid {
		return err
	}
	return &codedError{
		err: fmt.Errorf("%w %s", errNotSigned, r.Address), code: exitError,
		try: "check that the text is the same to the byte, and that the address is the signer's",
	}
}

var errNotSigned = errors.New("the text was not signed with this signature by")
