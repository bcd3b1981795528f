package banner

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/coreos/go-iptables/iptables"
)

// ownChain holds one rule for each ban.
const ownChain = "odooban"

// banChain is the chain of one family.
type banChain struct {
	jump rules
	// most is how many bans there may be.
	most int
	// bans are the rules that there should be.
	bans map[banRule]bool
	// gone is how many packets the rules had dropped that were deleted.
	gone uint64
	// evicted is how many bans have made room since that was told last.
	evicted int
}

func newBanChain(proto iptables.Protocol, path string, ports []uint16) *banChain {
	return &banChain{
		jump: jumpRules(proto, path, ownChain, ports),
		most: maxRules,
		bans: make(map[banRule]bool),
	}
}

// read returns the bans in the chain, if there is one, each with the packets that it
// has dropped.
func (c *banChain) read(ctx context.Context) (map[banRule]uint64, error) {
	ipt, err := c.jump.openBefore(ctx)
	if err != nil {
		return nil, err
	}
	lines, err := ipt.ListWithCounters(ruleTable, ownChain)
	var failed *iptables.Error
	if errors.As(err, &failed) && failed.IsNotExist() {
		return nil, nil
	}
	if err != nil {
		return nil, ruleError("list chain "+ownChain, err)
	}
	bans := make(map[banRule]uint64)
	for _, line := range lines {
		rule, packets, _ := cutCounters(line) // the line that begins the chain has none
		if r, ok := parseBanRule(rule); ok {
			bans[r] += packets
		}
	}
	return bans, nil
}

func (c *banChain) dropped(ctx context.Context) (sum uint64, err error) {
	found, err := c.read(ctx)
	for _, packets := range found {
		sum += packets
	}
	return sum + c.gone, err
}

// repair puts in place what is missing, and adopts what is new.
func (c *banChain) repair(ctx context.Context) (found []string, err error) {
	ipt, err := c.jump.open()
	if err != nil {
		return nil, err
	}
	exists, err := ipt.ChainExists(ruleTable, ownChain)
	if err == nil && !exists {
		found = append(found, fmt.Sprintf("chain %s of %s was gone", ownChain, c.jump.family()))
		err = ipt.NewChain(ruleTable, ownChain)
	}
	if err != nil {
		return found, ruleError("make chain "+ownChain, err)
	}
	lost, err := c.restore(ctx, ipt)
	if lost > 0 {
		found = append(found, fmt.Sprintf("bans of chain %s of %s were gone: %d", ownChain, c.jump.family(), lost))
	}
	if err != nil {
		return found, err
	}
	if c.evicted > 0 {
		found = append(found, fmt.Sprintf("bans of %s ended early to make room: %d; rules of iptables hold %d; "+
			"install ipset, or use a kernel with nftables", c.jump.family(), c.evicted, c.most))
		c.evicted = 0
	}
	return c.jump.repair(ctx, ipt, found)
}

// restore puts back the rules that are missing in the chain, and says how many.
func (c *banChain) restore(ctx context.Context, ipt *iptables.IPTables) (lost int, err error) {
	found, err := c.read(ctx)
	if err != nil {
		return 0, err
	}
	for r := range found {
		c.bans[r] = true
	}
	for r := range c.bans {
		if _, there := found[r]; there {
			continue
		}
		if err := ctx.Err(); err != nil {
			return lost, err
		}
		if err := ipt.Append(ruleTable, ownChain, r.spec()...); err != nil {
			return lost, ruleError("block "+r.prefix.String(), err)
		}
		lost++
	}
	return lost, nil
}

// block adds bans. The old rule of a prefix goes after the new one has come.
func (c *banChain) block(ctx context.Context, bans []Ban, now time.Time) error {
	if len(bans) == 0 {
		return nil
	}
	ipt, err := c.jump.open()
	if err != nil {
		return err
	}
	for _, b := range bans {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := c.makeRoom(ctx, ipt, b.Prefix, now); err != nil {
			return err
		}
		r := ruleOf(b)
		if !c.bans[r] {
			if err := ipt.Append(ruleTable, ownChain, r.spec()...); err != nil {
				return ruleError("block "+b.Prefix.String(), err)
			}
			c.bans[r] = true
		}
		others := func(old banRule) bool { return old.prefix == r.prefix && old != r }
		if err := c.delete(ctx, ipt, others); err != nil {
			return err
		}
	}
	return nil
}

// makeRoom lifts the ban that ends soonest if there is none of the prefix and
// no room for one.
func (c *banChain) makeRoom(ctx context.Context, ipt *iptables.IPTables, p netip.Prefix, now time.Time) error {
	if len(c.bans) < c.most {
		return nil
	}
	var soonest banRule
	for r := range c.bans {
		switch {
		case r.prefix == p:
			return nil
		case r.until != 0 && (soonest.until == 0 || r.until < soonest.until):
			soonest = r
		}
	}
	if soonest.until == 0 {
		return fmt.Errorf("block %v: chain %s is full of bans for ever; delete some with iptables -t %s -D %s",
			p, ownChain, ruleTable, ownChain)
	}
	if soonest.until > now.Unix() {
		c.evicted++
	}
	return c.delete(ctx, ipt, func(r banRule) bool { return r == soonest })
}

func (c *banChain) unblock(ctx context.Context, prefixes []netip.Prefix) error {
	wanted := make(map[netip.Prefix]bool)
	for _, p := range prefixes {
		wanted[p.Masked()] = true
	}
	return c.deleteAll(ctx, func(r banRule) bool { return wanted[r.prefix] })
}

// expire ends the bans that are due.
func (c *banChain) expire(ctx context.Context, now time.Time) error {
	return c.deleteAll(ctx, func(r banRule) bool { return r.until != 0 && r.until <= now.Unix() })
}

// deleteAll deletes the bans that match, and runs nothing if there are none.
func (c *banChain) deleteAll(ctx context.Context, match func(banRule) bool) error {
	if !slices.ContainsFunc(slices.Collect(maps.Keys(c.bans)), match) {
		return nil
	}
	ipt, err := c.jump.open()
	if err != nil {
		return err
	}
	return c.delete(ctx, ipt, match)
}

func (c *banChain) delete(ctx context.Context, ipt *iptables.IPTables, match func(banRule) bool) error {
	var found map[banRule]uint64
	for r := range c.bans {
		if !match(r) {
			continue
		}
		if found == nil {
			found, _ = c.read(ctx) // only the counters would be lost
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := c.deleteRule(ipt, r); err != nil {
			return err
		}
		c.gone += found[r]
	}
	return nil
}

// deleteRule deletes a ban; one that somebody deleted before is no error.
func (c *banChain) deleteRule(ipt *iptables.IPTables, r banRule) error {
	if err := ipt.DeleteIfExists(ruleTable, ownChain, r.spec()...); err != nil {
		return ruleError("unblock "+r.prefix.String(), err)
	}
	delete(c.bans, r)
	return nil
}

// remove takes the jump and the chain away.
func (c *banChain) remove(ctx context.Context) error {
	clear(c.bans)
	if err := c.jump.remove(ctx); err != nil {
		return err
	}
	ipt, err := c.jump.open()
	if err != nil {
		return err
	}
	exists, err := ipt.ChainExists(ruleTable, ownChain)
	if err != nil || !exists {
		return ruleError("look for chain "+ownChain, err)
	}
	return ruleError("delete chain "+ownChain, ipt.ClearAndDeleteChain(ruleTable, ownChain))
}
