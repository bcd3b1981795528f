package store

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"odooban/rules"
)

// BenchmarkUpdate records so many failures in one transaction.
func BenchmarkUpdate(b *testing.B) {
	for _, n := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprintf("failures=%d", n), func(b *testing.B) {
			j := open(b, tempPath(b), Options{})
			batch := make([]rules.Failure, n)
			line := 0
			for b.Loop() {
				for i := range batch {
					batch[i] = failure(line)
					line++
				}
				j.Update(func(tx *Tx) { tx.Record("odoo.log", fmt.Sprint(line), batch) })
			}
		})
	}
}

// BenchmarkBans records so many bans in one transaction, of addresses in no order.
func BenchmarkBans(b *testing.B) {
	const each = 4000
	j, random := open(b, tempPath(b), Options{}), rand.New(rand.NewPCG(1, 2))
	for b.Loop() {
		j.Update(func(tx *Tx) {
			for range each {
				one := ban("203.0.113.0/32", 0)
				one.Prefix = netip.PrefixFrom(netip.AddrFrom4([4]byte(binary.NativeEndian.AppendUint32(nil, random.Uint32()))), 32)
				tx.Ban(one)
			}
		})
	}
}

// BenchmarkReread records what is known.
func BenchmarkReread(b *testing.B) {
	j := open(b, tempPath(b), Options{})
	batch := failures(0, 10_000)
	for b.Loop() {
		j.Update(func(tx *Tx) { tx.Record("odoo.log", "", batch) })
	}
}

// BenchmarkFailures iterates over a hundred thousand.
func BenchmarkFailures(b *testing.B) {
	j := open(b, tempPath(b), Options{})
	j.Update(func(tx *Tx) { tx.Record("odoo.log", "", failures(0, 100_000)) })
	b.ReportAllocs()
	for b.Loop() {
		for _, err := range j.Failures(b.Context(), time.Time{}) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkOpen reads a file of a hundred thousand failures for its check.
func BenchmarkOpen(b *testing.B) {
	path := tempPath(b)
	j := open(b, path, Options{})
	j.Update(func(tx *Tx) { tx.Record("odoo.log", "", failures(0, 100_000)) })
	for b.Loop() {
		if err := j.Close(); err != nil {
			b.Fatal(err)
		}
		var err error
		if j, err = Open(path, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
