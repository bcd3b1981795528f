package window

import "hash/maphash"

// index finds the entry of a key: a hash table of chains that run through the
// entries themselves. A map would hold every key a second time, which is most
// of what a key with one failure costs. The seed keeps attackers, who choose
// their IPv6 addresses, from filling one chain.
type index struct {
	seed   maphash.Seed
	chains []uint32 // first entry of each chain, or root; a power of two of them
	len    int
}

func newIndex() index {
	return index{seed: maphash.MakeSeed(), chains: make([]uint32, 16)}
}

func (x *index) chain(key *Key) *uint32 {
	return &x.chains[maphash.Bytes(x.seed, key[:])&uint64(len(x.chains)-1)]
}

// find returns the entry of key, or root.
func (x *index) find(entries []entry, key *Key) uint32 {
	i := *x.chain(key)
	for i != root && entries[i].key != *key {
		i = entries[i].next
	}
	return i
}

// insert takes in the entry i, which is not in the index yet.
func (x *index) insert(entries []entry, i uint32) {
	if x.len == len(x.chains) {
		x.double(entries)
	}
	chain := x.chain(&entries[i].key)
	entries[i].next, *chain = *chain, i
	x.len++
}

func (x *index) delete(entries []entry, i uint32) {
	link := x.chain(&entries[i].key)
	for *link != i {
		link = &entries[*link].next
	}
	*link = entries[i].next
	x.len--
}

func (x *index) double(entries []entry) {
	old := x.chains
	x.chains = make([]uint32, 2*len(old))
	for _, i := range old {
		for i != root {
			next := entries[i].next
			chain := x.chain(&entries[i].key)
			entries[i].next, *chain = *chain, i
			i = next
		}
	}
}
