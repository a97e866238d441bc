package sandbox

import (
	cryptorand "crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"io"
	"math/rand/v2"
)

const (
	alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	upperDigits  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
)

// newSource is a new stream of random bytes: crypto/rand for seed 0, else one that depends on the seed alone. Faults
// and keys have a stream each, so that drawing faults does not shift the ids of keys.
func newSource(seed uint64) io.Reader {
	if seed == 0 {
		return cryptorand.Reader
	}
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	return rand.NewChaCha8(key)
}

// randomText is n letters drawn evenly from an alphabet of at most 256.
func randomText(source io.Reader, alphabet string, n int) string {
	text := make([]byte, 0, n)
	limit := 256 - 256%len(alphabet) // bytes from here on would favour the first letters
	for b := make([]byte, 1); len(text) < n; {
		if _, err := io.ReadFull(source, b); err != nil {
			panic(err) // crypto/rand ends the process itself, ChaCha8 cannot fail
		}
		if int(b[0]) < limit {
			text = append(text, alphabet[int(b[0])%len(alphabet)])
		}
	}
	return string(text)
}

// hashOf is what the sandbox keeps of plaintexts and session tokens. They are 32 and more random letters, so a plain
// SHA-256 cannot be searched through.
func hashOf(plaintext string) string {
	sum := sha256.Sum256([]byte(plaintext))
	return hex.EncodeToString(sum[:])
}

// issue draws an id, a plaintext and its prefix that are not in use: a seed repeats its stream after a restart.
func (s *Server) issue() (id, plaintext, prefix string) {
	for {
		id = "key_" + randomText(s.random, alphanumeric, 12)
		prefix = "bdk_live_" + randomText(s.random, upperDigits, 6)
		plaintext = prefix + "_" + randomText(s.random, alphanumeric, 32)
		_, idTaken := s.tenant.history[id]
		_, taken := s.tenant.byHash[hashOf(plaintext)]
		if !idTaken && !taken {
			return id, plaintext, prefix
		}
	}
}
