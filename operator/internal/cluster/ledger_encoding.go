package cluster

import (
	"fmt"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

// ledgerFormat is the version of the entries below. A ledger of another version is not guessed at.
const ledgerFormat = "1"

// Entries of a ledger's data. A tombstone has neither id nor plaintext; what is empty is left out.
const (
	entryFormat     = "format"
	entryApiKeyName = "apikey-name"
	entryApiKeyUID  = "apikey-uid"
	entrySequence   = "sequence"
	entryKeyID      = "key-id"
	entryKeyPrefix  = "key-prefix"
	entryLast4      = "last4"
	entryPlaintext  = "plaintext"
	entryIssuedAt   = "issued-at" // RFC 3339 with nanoseconds
	entryCause      = "cause"
	entryToken      = "rotate-token"
	entryOverlap    = "overlap" // as Go writes durations
	entryAdopted    = "adopted-key-id"
	entryConnection = "connection"
	entryCredential = "credential"
)

// encode is the Secret that records l for the ApiKey r.
func encode(r *apikey.Resource, l apikey.LedgerRecord) *corev1.Secret {
	data := map[string][]byte{}
	for entry, value := range map[string]string{
		entryFormat:     ledgerFormat,
		entryApiKeyName: r.Name,
		entryApiKeyUID:  l.OwnerUID,
		entrySequence:   strconv.Itoa(l.Sequence),
		entryKeyID:      l.ID,
		entryKeyPrefix:  l.Prefix,
		entryLast4:      l.Last4,
		entryPlaintext:  l.Plaintext.Reveal(),
		entryIssuedAt:   l.IssuedAt.UTC().Format(time.RFC3339Nano),
		entryCause:      string(l.Cause),
		entryToken:      l.Token,
		entryOverlap:    l.Overlap.String(),
		entryAdopted:    l.Adopted,
		entryConnection: l.Connection,
		entryCredential: l.Credential,
	} {
		if value != "" {
			data[entry] = []byte(value)
		}
	}
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Name: l.Name, Namespace: r.Namespace,
			Labels:          map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy},
			Finalizers:      []string{v1alpha1.FinalizerLedger},
			OwnerReferences: []metav1.OwnerReference{ownerReference(r)},
		},
		Type:      v1alpha1.SecretTypeLedger,
		Immutable: ptr.To(true),
		Data:      data,
	}
}

// ownerReference makes the ApiKey the controller, which waits for the object's end when it is deleted in the foreground.
func ownerReference(r *apikey.Resource) metav1.OwnerReference {
	return metav1.OwnerReference{
		APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: v1alpha1.KindApiKey, Name: r.Name, UID: types.UID(r.UID),
		Controller: ptr.To(true), BlockOwnerDeletion: ptr.To(true),
	}
}

// ledgerReader reads the entries of a ledger and remembers the first that cannot be read.
type ledgerReader struct {
	secret *corev1.Secret
	why    string
}

// decode is the inverse of encode. Its error is a *DamagedLedgerError, which holds no value of the Secret.
func decode(secret *corev1.Secret) (apikey.LedgerRecord, error) {
	d := &ledgerReader{secret: secret}
	l := apikey.LedgerRecord{
		Name: secret.Name, Namespace: secret.Namespace, UID: string(secret.UID),
		OwnerUID:   d.must(entryApiKeyUID),
		Sequence:   d.sequence(),
		ID:         d.text(entryKeyID),
		Prefix:     d.text(entryKeyPrefix),
		Last4:      d.text(entryLast4),
		Plaintext:  apiclient.NewSecret(d.text(entryPlaintext)),
		IssuedAt:   d.issuedAt(),
		Cause:      apikey.Cause(d.must(entryCause)),
		Token:      d.text(entryToken),
		Overlap:    d.overlap(),
		Adopted:    d.text(entryAdopted),
		Connection: d.text(entryConnection),
		Credential: d.text(entryCredential),
	}
	d.check(l)
	if d.why != "" {
		return apikey.LedgerRecord{}, &DamagedLedgerError{Name: secret.Name, Why: d.why}
	}
	return l, nil
}

// check is for what concerns the Secret as a whole. A name that does not fit would let two ledgers claim one sequence.
func (d *ledgerReader) check(l apikey.LedgerRecord) {
	switch {
	case !isLedger(d.secret):
		d.damaged("the type is another")
	case d.text(entryFormat) != ledgerFormat:
		d.damaged("the format is not known: a newer version of the operator may have written it")
	case d.secret.Immutable == nil || !*d.secret.Immutable:
		d.damaged("the data is not immutable")
	case l.Name != apikey.LedgerName(d.must(entryApiKeyName), l.OwnerUID, l.Sequence):
		d.damaged("the name does not belong to the ApiKey and sequence in it")
	case (l.ID == "") != l.Plaintext.IsZero():
		d.damaged("of key id and plaintext only one is there")
	}
}

func (d *ledgerReader) text(entry string) string { return string(d.secret.Data[entry]) }

func (d *ledgerReader) must(entry string) string {
	text := d.text(entry)
	if text == "" {
		d.damaged("the entry %s is missing", entry)
	}
	return text
}

func (d *ledgerReader) sequence() int {
	sequence, err := strconv.Atoi(d.text(entrySequence))
	if err != nil || sequence < 1 {
		d.damaged("the entry %s is not a number above 0", entrySequence)
	}
	return sequence
}

func (d *ledgerReader) issuedAt() time.Time {
	issued, err := time.Parse(time.RFC3339Nano, d.text(entryIssuedAt))
	if err != nil || issued.IsZero() {
		d.damaged("the entry %s is not a time", entryIssuedAt)
	}
	return issued.UTC()
}

func (d *ledgerReader) overlap() time.Duration {
	overlap, err := time.ParseDuration(d.text(entryOverlap))
	if err != nil || overlap < 0 {
		d.damaged("the entry %s is not a duration", entryOverlap)
	}
	return overlap
}

func (d *ledgerReader) damaged(format string, args ...any) {
	if d.why == "" {
		d.why = fmt.Sprintf(format, args...)
	}
}
