package banner

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"github.com/google/nftables"

	"odooban/banner/nfnetlink"
)

// damage is what is wrong with the table.
type damage struct {
	// found says it in words.
	found []string
	// misplaced is set if there is a chain of our name at another place.
	misplaced bool
}

// inspect looks what of the table is missing or changed, and adopts the sets
// that it finds.
func (f *nfTables) inspect() (d damage, err error) {
	var tables []*nftables.Table
	err = f.nft.within(nfnetlink.Patience*time.Second, func(nft *nftables.Conn) (err error) {
		tables, err = nft.ListTablesOfFamily(nftables.TableFamilyINet)
		return err
	})
	if err != nil {
		return d, nftError("list tables", err)
	}
	i := slices.IndexFunc(tables, func(t *nftables.Table) bool { return t.Name == nftName })
	if i < 0 {
		d.found = append(d.found, "table inet "+nftName+" was gone")
		return d, nil
	}
	if tables[i].Flags != 0 {
		d.found = append(d.found, "table inet "+nftName+" was dormant")
	}
	lost, err := f.inspectSets()
	if err != nil {
		return d, err
	}
	d.found = append(d.found, lost...)
	ok, misplaced, err := f.inspectRules()
	if err == nil && !ok {
		d.found = append(d.found, "rules of table inet "+nftName+" were missing or changed")
	}
	d.misplaced = misplaced
	return d, err
}

func (f *nfTables) inspectSets() (lost []string, err error) {
	sets, err := f.nft.ourSets()
	if err != nil {
		return nil, err
	}
	for s, k := range sets {
		if !s.fits(k) {
			return nil, fmt.Errorf("adopt set %s: it does not hold single %s with timeouts; "+
				"remove the table with: nft delete table inet %s", s.name(), s.set().KeyType.Name, nftName)
		}
		if !slices.Contains(f.sets, s) {
			f.sets = append(f.sets, s)
		}
	}
	for _, s := range f.sets {
		if sets[s] == nil {
			lost = append(lost, "set "+s.name()+" was gone")
		}
	}
	return lost, nil
}

// ourSets returns the sets that are in the table.
func (c *nftConn) ourSets() (map[nftSet]*nftables.Set, error) {
	ours := make(map[nftSet]*nftables.Set)
	err := c.within(nfnetlink.Patience*time.Second, func(nft *nftables.Conn) error {
		if _, err := nft.ListTableOfFamily(nftName, nftables.TableFamilyINet); err != nil {
			return err
		}
		all, err := nft.GetSets(nftTable())
		for _, k := range all {
			if s, ok := setNamed(k.Name); ok {
				ours[s] = k
			}
		}
		return err
	})
	return ours, nftError("list sets of table inet "+nftName, err)
}

// inspectRules says whether the chain is there with exactly our rules, or at
// another place.
func (f *nfTables) inspectRules() (ok, misplaced bool, err error) {
	err = f.nft.within(nfnetlink.Patience*time.Second, func(nft *nftables.Conn) error {
		chains, err := nft.ListChainsOfTableFamily(nftables.TableFamilyINet)
		i := slices.IndexFunc(chains, func(c *nftables.Chain) bool { return c.Table.Name == nftName && c.Name == nftChain })
		if err != nil || i < 0 {
			return err
		}
		if misplaced = !inPlace(chains[i]); misplaced {
			return nil
		}
		rules, err := nft.GetRules(nftTable(), nftBase())
		ok = err == nil && areRules(rules, f.sets, f.ports)
		return err
	})
	return ok, misplaced, nftError("list rules of table inet "+nftName, err)
}

// areRules says whether the rules are ours, one for each set. Their order is that in
// which lengths were first banned, which only who banned them knows.
func areRules(rules []*nftables.Rule, sets []nftSet, ports []uint16) bool {
	for _, s := range sets {
		if !slices.ContainsFunc(rules, func(r *nftables.Rule) bool { return s.isRule(r, ports) }) {
			return false
		}
	}
	return len(rules) == len(sets)
}

// inPlace says whether a chain sees packets where ours must.
func inPlace(c *nftables.Chain) bool {
	want := nftBase()
	return c.Type == want.Type && c.Hooknum != nil && *c.Hooknum == *want.Hooknum &&
		c.Priority != nil && *c.Priority == *want.Priority
}

// held returns what the elements of the set ban.
func (s nftSet) held(elements []nftables.SetElement, now time.Time) []Held {
	all := make([]Held, 0, len(elements))
	for _, e := range elements {
		p, ok := s.prefix(e)
		if !ok {
			continue
		}
		h := Held{Prefix: p}
		if e.Timeout > 0 || e.Expires > 0 {
			h.Until = now.Add(e.Expires.Round(time.Second))
		}
		if e.Counter != nil {
			h.Packets, h.Counted = e.Counter.Packets, true
		}
		all = append(all, h)
	}
	return all
}

// find looks the prefixes up. See slowLister.
func (f *nfTables) find(ctx context.Context, prefixes []netip.Prefix) (found []Ban, err error) {
	for s, some := range bySet(prefixes, itself) {
		facts, err := s.facts(f.raw)
		switch {
		case errors.Is(err, syscall.ENOENT), err == nil && facts.members == 0:
			continue
		case err == nil:
			var members []Ban
			members, err = s.find(f.raw, some)
			found = append(found, members...)
		}
		if err = errors.Join(err, ctx.Err()); err != nil {
			return nil, nftError("look into set "+s.name(), err)
		}
	}
	return found, nil
}

// count adds up the sets. See slowLister.
func (f *nfTables) count(ctx context.Context) (sum int, err error) {
	for _, s := range f.known() {
		facts, err := s.facts(f.raw)
		switch {
		case errors.Is(err, syscall.ENOENT):
		case err != nil:
			return 0, nftError("look at set "+s.name(), err)
		case facts.members < 0:
			return -1, nil
		default:
			sum += facts.members
		}
	}
	return sum, ctx.Err()
}

// bySet sorts what is about prefixes by the set they belong into.
func bySet[T any](all []T, about func(T) netip.Prefix) map[nftSet][]T {
	sorted := make(map[nftSet][]T)
	for _, one := range all {
		s := setOf(about(one))
		sorted[s] = append(sorted[s], one)
	}
	return sorted
}
