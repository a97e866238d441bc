package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

var (
	keysBucket     = []byte("keys")     // id -> record as JSON
	sessionsBucket = []byte("sessions") // hex SHA-256 of a session token -> true, or false once it is revoked
	tenantBucket   = []byte("tenant")   // organisationKey -> organisation as JSON
	allBuckets     = [][]byte{keysBucket, sessionsBucket, tenantBucket}

	organisationKey = []byte("organisation")
)

// lockWait is how long an opening sandbox waits for another process to let go of the file.
const lockWait = time.Second

// boltStore keeps everything in one bbolt file. Every commit is synced to disk before it returns.
type boltStore struct{ db *bbolt.DB }

func openBolt(path string) (*boltStore, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockWait, FreelistType: bbolt.FreelistMapType})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, fmt.Errorf("store %s is in use by another process", path)
	}
	if err != nil {
		return nil, fmt.Errorf("opening store %s: %w", path, err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, name := range allBuckets {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("preparing store %s: %w", path, err), db.Close())
	}
	return &boltStore{db: db}, nil
}

func (b *boltStore) load() (saved, error) {
	var s saved
	err := b.db.View(func(tx *bbolt.Tx) error {
		if value := tx.Bucket(tenantBucket).Get(organisationKey); value != nil {
			s.organisation = new(organisation)
			if err := json.Unmarshal(value, s.organisation); err != nil {
				return fmt.Errorf("organisation in the store: %w", err)
			}
		}
		err := tx.Bucket(keysBucket).ForEach(func(id, value []byte) error {
			r := new(record)
			if err := json.Unmarshal(value, r); err != nil {
				return fmt.Errorf("key %s in the store: %w", id, err)
			}
			s.records = append(s.records, r)
			return nil
		})
		if err != nil {
			return err
		}
		return tx.Bucket(sessionsBucket).ForEach(func(hash, value []byte) error {
			s.sessions = append(s.sessions, session{hash: string(hash), valid: string(value) == "true"})
			return nil
		})
	})
	return s, err
}

func (b *boltStore) save(c change) error {
	return b.db.Update(func(tx *bbolt.Tx) error {
		keys, sessions := tx.Bucket(keysBucket), tx.Bucket(sessionsBucket)
		var errs []error
		for _, r := range c.put {
			errs = append(errs, putJSON(keys, []byte(r.ID), r))
		}
		for _, id := range c.drop {
			errs = append(errs, keys.Delete([]byte(id)))
		}
		if c.session != nil {
			errs = append(errs, putJSON(sessions, []byte(c.session.hash), c.session.valid))
		}
		if c.organisation != nil {
			errs = append(errs, putJSON(tx.Bucket(tenantBucket), organisationKey, c.organisation))
		}
		return errors.Join(errs...)
	})
}

func putJSON(bucket *bbolt.Bucket, key []byte, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return bucket.Put(key, data)
}

func (b *boltStore) close() error { return b.db.Close() }
