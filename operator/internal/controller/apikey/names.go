package apikey

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

const (
	keyNameLimit    = 100 // characters of a key's name upstream
	secretNameLimit = 253 // a DNS subdomain
)

var ledgerName = regexp.MustCompile(`-[0-9a-f]{8}-bdk-[0-9]+$`)

// KeyName is the name that a key is sent with: the display name, shortened with a hash where it is long, and the
// marker, which never is.
func KeyName(displayName string, marker apiclient.Marker) string {
	return marker.AppendWithin(displayName, keyNameLimit)
}

// LedgerName is the name of the Secret that records one key version. A long name is shortened with a hash, so that
// two with a common beginning stay apart; the uid tells it from those of an earlier ApiKey of the same name.
func LedgerName(name, uid string, sequence int) string {
	tail := fmt.Sprintf("-%s-bdk-%d", hash(uid)[:8], sequence)
	room := secretNameLimit - len(tail)
	if len(name) > room {
		short := hash(name)[:8]
		name = strings.TrimRight(name[:room-len(short)-1], "-.") + "-" + short
	}
	return name + tail
}

// IsLedgerName reports a name of the form that ledgers have, which ApiKeys and targets must not take.
func IsLedgerName(name string) bool { return ledgerName.MatchString(name) }

// Fingerprint tells plaintexts apart without holding them. Keys are long and random, so that it gives nothing away;
// it is still kept out of status and logs.
func Fingerprint(plaintext apiclient.Secret) string {
	if plaintext.IsZero() {
		return ""
	}
	return hash(plaintext.Reveal())[:32]
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}
