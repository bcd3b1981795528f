package banner

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/nftables"

	"odooban/banner/nfnetlink"
)

var (
	_ backend    = (*nfTables)(nil)
	_ slowLister = (*nfTables)(nil)
)

const (
	nftName  = "odooban"
	nftChain = "prerouting"
	// nftListing is how long listing a set may take, which grows with the
	// square of its members.
	nftListing = 5 * time.Minute
)

// nfTables is a Firewall of a table of nftables of its own, inet odooban, with
// one set for each length of prefix that was ever banned, and one rule for
// each set. It runs no program. It acts in the network namespace of the thread
// that made it.
type nfTables struct {
	nft *nftConn
	raw *nfnetlink.Conn
	// listing is for what takes long, while bans go on.
	listing *nftConn
	ports   []uint16

	// mu keeps sets from being added while the table is repaired.
	mu   sync.Mutex
	sets []nftSet
}

// newNFTables touches nothing yet: Repair puts the table in place.
func newNFTables(opts Options) (*nfTables, error) {
	raw, err := nfnetlink.Dial()
	if err != nil {
		return nil, err
	}
	nft, err := dialNFT()
	if err != nil {
		raw.Close()
		return nil, err
	}
	listing, err := dialNFT()
	if err != nil {
		raw.Close()
		return nil, errors.Join(err, nft.close())
	}
	return &nfTables{
		nft: nft, raw: raw, listing: listing, ports: opts.Ports,
		sets: []nftSet{{4, 32}, {6, 64}, {6, 128}},
	}, nil
}

func nftTable() *nftables.Table {
	return &nftables.Table{Name: nftName, Family: nftables.TableFamilyINet}
}

// nftBase is the chain: before raw, where the host's own ports and those that
// Docker publishes look alike and established connections pass, too.
func nftBase() *nftables.Chain {
	accept := nftables.ChainPolicyAccept
	return &nftables.Chain{
		Table: nftTable(), Name: nftChain, Type: nftables.ChainTypeFilter, Policy: &accept,
		Hooknum: nftables.ChainHookPrerouting, Priority: nftables.ChainPriorityRef(-310),
	}
}

// Repair puts the table in place if anything in it is missing or changed, says
// what that was, and proves that it works. Sets that are there are adopted with
// the bans in them, and there is no moment in which these do not count.
func (f *nfTables) Repair(ctx context.Context) (found []string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	d, err := f.inspect()
	if err != nil || len(d.found) == 0 {
		return d.found, err
	}
	if err := f.place(d.misplaced); err != nil {
		return d.found, err
	}
	left, err := f.inspect()
	if err == nil && len(left.found) > 0 {
		err = fmt.Errorf("set up table inet %s: it does not stay as it was made (%s); "+
			"look with nft monitor for the program that changes it", nftName, strings.Join(left.found, ", "))
	}
	return d.found, errors.Join(err, f.try(ctx))
}

// place makes what is missing and the rules anew, in one step; a chain at
// another place makes room.
func (f *nfTables) place(misplaced bool) error {
	counted, err := counted(f.raw, f.sets)
	if err != nil {
		return err
	}
	drops := f.ruleDrops()
	err = f.nft.commit(func(nft *nftables.Conn) error {
		chain := nftBase()
		nft.AddTable(chain.Table)
		if misplaced {
			nft.FlushChain(chain)
			nft.DelChain(chain)
		}
		nft.AddChain(chain)
		nft.FlushChain(chain)
		for _, s := range f.sets {
			set := s.set()
			set.Counter = counted[s]
			if err := nft.AddSet(set, nil); err != nil {
				return err
			}
			rule, err := s.rule(nft, chain, f.ports, drops[s])
			if err != nil {
				return err
			}
			nft.AddRule(rule)
		}
		return nil
	})
	return nftError("set up table inet "+nftName, err)
}

// try proves that members can be added, found and deleted.
func (f *nfTables) try(ctx context.Context) error {
	probe := netip.MustParsePrefix(probeIPv4)
	if err := setOf(probe).block(ctx, f.raw, []Ban{{Prefix: probe, Until: time.Now().Add(10 * time.Second)}}); err != nil {
		return err
	}
	found, err := setOf(probe).find(f.raw, []netip.Prefix{probe})
	if err == nil && len(found) == 0 {
		err = errors.New("it was added and is not there")
	}
	err = nftError("look for "+probe.String(), err)
	return errors.Join(err, nftError("unblock "+probe.String(), setOf(probe).drop(f.raw, []netip.Prefix{probe})))
}

// missing looks at the numbers of members, and at some of the prefixes.
func (f *nfTables) missing(ctx context.Context, prefixes []netip.Prefix) (lost int, err error) {
	for s, some := range bySet(prefixes, itself) {
		n, err := s.missing(ctx, f.raw, some)
		if err != nil {
			return lost, nftError("look into set "+s.name(), err)
		}
		lost += n
	}
	return lost, nil
}

// IPv6 returns nil: the table is for both.
func (*nfTables) IPv6() error { return nil }

// Block adds the bans to the sets. See Firewall.
func (f *nfTables) Block(ctx context.Context, bans []Ban) error {
	todo, refused := pending(bans, time.Now())
	for s, some := range bySet(todo, Ban.about) {
		if ctx.Err() != nil {
			break
		}
		err := f.prepare(s)
		if err == nil {
			err = s.block(ctx, f.raw, some)
		}
		refused = errors.Join(refused, err)
	}
	return errors.Join(refused, ctx.Err())
}

// prepare makes the set if it is the first ban of this length.
func (f *nfTables) prepare(s nftSet) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if slices.Contains(f.sets, s) {
		return nil
	}
	f.sets = append(f.sets, s)
	if err := f.place(false); err != nil {
		f.sets = f.sets[:len(f.sets)-1]
		return err
	}
	return nil
}

// Unblock deletes the prefixes from the sets. See Firewall.
func (f *nfTables) Unblock(ctx context.Context, prefixes []netip.Prefix) error {
	var todo []netip.Prefix
	for _, p := range prefixes {
		// What must not be banned is not banned either.
		if p, err := canonical(p); err == nil && slices.Contains(f.known(), setOf(p)) {
			todo = append(todo, p)
		}
	}
	for s, some := range bySet(todo, itself) {
		for batch := range slices.Chunk(some, nftTransaction) {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := s.drop(f.raw, batch); err != nil {
				return nftError(fmt.Sprintf("unblock %v and %d more in set %s", batch[0], len(batch)-1, s.name()), err)
			}
		}
	}
	return ctx.Err()
}

// List reads the sets. See Firewall. With 100,000 members that takes seconds.
func (f *nfTables) List(ctx context.Context) ([]Ban, error) { return bare(f.held(ctx)) }

func (f *nfTables) held(ctx context.Context) ([]Held, error) {
	found, err := f.nft.ourSets()
	if err != nil {
		return nil, err
	}
	all := []Held{}
	for s := range found {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var elements []nftables.SetElement
		now := time.Now()
		err := f.listing.within(nftListing, func(nft *nftables.Conn) (err error) {
			defer context.AfterFunc(ctx, f.listing.hangUp)()
			elements, err = nft.GetSetElements(s.set())
			return errors.Join(ctx.Err(), err)
		})
		if err != nil {
			return nil, nftError("list set "+s.name(), err)
		}
		all = append(all, s.held(elements, now)...)
	}
	// One that came while the kernel listed may be there twice.
	return slices.CompactFunc(inOrder(all), func(a, b Held) bool { return a.Prefix == b.Prefix }), ctx.Err()
}

// Remove takes the table away, and with it all bans. Nothing there is no error.
func (f *nfTables) Remove(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := f.nft.commit(func(nft *nftables.Conn) error {
		nft.AddTable(nftTable())
		nft.DelTable(nftTable())
		return nil
	})
	return nftError("delete table inet "+nftName, err)
}

// Close lets go of the kernel. All bans stay in force until their end.
func (f *nfTables) Close() error {
	f.raw.Close()
	return errors.Join(f.nft.close(), f.listing.close())
}

func (f *nfTables) known() []nftSet {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.sets)
}
