// Package once tells whether an attempt was counted before, by whatever way its
// record comes again: a log that was trimmed, edited or copied over, a second log
// with the same records, pieces of a log that overlap.
//
// An attempt is known by its content: rule, time, address, user and database. Those
// that are alike are told apart by their number: the second one of a reading, which
// is one generation of one source, is the second attempt in any other reading, too.
// So two records in the same millisecond count twice, and each of them once. The
// time is part of the content, hence nobody can hide later attempts behind earlier
// ones. Lines without a time of their own have that of their reading: they are new
// whenever they are read.
//
// Memory is bounded; what is forgotten counts as new.
package once

import (
	"hash/maphash"
	"strings"

	"odooban/rules"
)

// Most is how many numbers a Set keeps at least: two for an attempt, some 30 bytes
// each. It keeps at most twice as many.
const Most = 500_000

// Set is the attempts that were counted. It is not safe for concurrent use.
type Set struct {
	seed maphash.Seed
	most int
	// young are the numbers that were asked for since they became too many, old
	// those before.
	young, old map[uint64]int
}

// New returns an empty Set that keeps at least most numbers.
func New(most int) *Set {
	return &Set{seed: maphash.MakeSeed(), most: most, young: make(map[uint64]int)}
}

// Knows reports whether anything is known of attempts like f.
func (s *Set) Knows(f *rules.Failure) bool { return s.number(s.attempt(f)) > 0 }

// Add notes an attempt that was counted, and was read from source.
func (s *Set) Add(source string, f *rules.Failure) {
	attempt := s.attempt(f)
	s.put(attempt, s.number(attempt)+1)
	reading := s.reading(attempt, source, f)
	s.put(reading, s.number(reading)+1)
}

// Take takes an attempt that was read from source, and reports whether it is to be
// counted. Each line of a source is to be taken once.
func (s *Set) Take(source string, f *rules.Failure) bool {
	attempt := s.attempt(f)
	reading := s.reading(attempt, source, f)
	number, counted := s.number(reading)+1, s.number(attempt)
	s.put(reading, number)
	s.put(attempt, max(number, counted))
	return number > counted
}

// attempt is the key of all attempts like f. A login may hold line ends, which are
// converted with the others of a log.
func (s *Set) attempt(f *rules.Failure) uint64 {
	return maphash.Comparable(s.seed, struct {
		rule, user, db string
		addr           [16]byte
		time           int64
	}{f.Rule, strings.ReplaceAll(f.User, "\r", ""), f.DB, f.Addr.As16(), f.Time.UnixMilli()})
}

// reading is the key of those of them in the generation of a source.
func (s *Set) reading(attempt uint64, source string, f *rules.Failure) uint64 {
	return maphash.Comparable(s.seed, struct {
		attempt            uint64
		source, generation string
	}{attempt, source, f.Place.Generation})
}

func (s *Set) number(key uint64) int {
	if n, ok := s.young[key]; ok {
		return n
	}
	return s.old[key]
}

func (s *Set) put(key uint64, n int) {
	if len(s.young) >= s.most {
		s.young, s.old = make(map[uint64]int), s.young
	}
	s.young[key] = n
}
