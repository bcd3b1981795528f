package banner

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"odooban/banner/nfnetlink"
)

// set is one set of the kernel.
type set struct {
	conn   *nfnetlink.Conn
	name   string
	family uint8
	// batch is how many members fit into one request.
	batch int
	// probe is an address to try the set with.
	probe netip.Prefix
}

// create makes the set, or adopts the one that is there with its members.
func (s set) create() (created bool, err error) {
	err = s.call(nl.IPSET_CMD_CREATE, unix.NLM_F_CREATE|unix.NLM_F_EXCL, newSet(s.name, s.family), nil)
	switch {
	case errors.Is(err, syscall.EEXIST):
		return false, s.adopt()
	case err != nil:
		return false, fmt.Errorf("create set %s: %w", s.name, err)
	}
	return true, nil
}

// adopt checks that the set that is there can hold our bans.
func (s set) adopt() error {
	found, err := s.ask(setHeader(s.name))
	if err != nil {
		return err
	}
	if found.kind != setType || found.family != s.family || !found.timeouts {
		return fmt.Errorf("adopt set %s: it is not a %s of this family with timeouts but a %s; "+
			"remove it with: ipset destroy %s", s.name, setType, found.kind, s.name)
	}
	return nil
}

// try proves that members can be added and deleted.
func (s set) try(ctx context.Context) error {
	const seconds = 10 // to be gone soon if this process dies right here
	trial := []member{{prefix: s.probe, seconds: seconds}}
	if err := s.add(ctx, trial); err != nil {
		return err
	}
	// With this flag deleting what is not there is an error.
	return s.change(nl.IPSET_CMD_DEL, unix.NLM_F_EXCL, "unblock", trial)
}

// add puts members into the set; one that is there gets the new timeout.
func (s set) add(ctx context.Context, members []member) error {
	return s.inBatches(ctx, nl.IPSET_CMD_ADD, "block", members)
}

// del takes members out of the set; one that is not there is no error.
func (s set) del(ctx context.Context, members []member) error {
	return s.inBatches(ctx, nl.IPSET_CMD_DEL, "unblock", members)
}

// missing says how many of the prefixes are not in the set. It compares the
// numbers, and as that may hide some looks for the first prefixes, too.
func (s set) missing(ctx context.Context, prefixes []netip.Prefix) (int, error) {
	header, err := s.ask(setHeader(s.name))
	if err != nil {
		return 0, err
	}
	if lost := len(prefixes) - int(header.elements); lost > 0 {
		return lost, nil
	}
	lost := 0
	for _, p := range prefixes[:min(len(prefixes), sampleSize)] {
		err := s.call(nl.IPSET_CMD_TEST, 0, setMember(s.name, member{prefix: p}), nil)
		switch {
		case errors.Is(err, errAbsent):
			lost++
		case err != nil:
			return lost, fmt.Errorf("look for %v in set %s: %w", p, s.name, err)
		}
	}
	return lost, ctx.Err()
}

func (s set) inBatches(ctx context.Context, cmd int, verb string, members []member) error {
	for batch := range slices.Chunk(members, s.batch) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.change(cmd, 0, verb, batch); err != nil {
			return err
		}
	}
	return nil
}

func (s set) change(cmd, flags int, verb string, batch []member) error {
	err := s.call(cmd, flags, setMembers(s.name, batch), nil)
	if err == nil {
		return nil
	}
	var refused *kernelError
	if errors.As(err, &refused) && refused.line > 0 && refused.line <= len(batch) {
		return fmt.Errorf("%s %v in set %s: %w", verb, batch[refused.line-1].prefix, s.name, err)
	}
	return fmt.Errorf("%s %v and %d more in set %s: %w", verb, batch[0].prefix, len(batch)-1, s.name, err)
}

func (s set) call(cmd, flags int, body []byte, each func(payload []byte) error) error {
	return refusedBySet(s.conn.Call(unix.NFNL_SUBSYS_IPSET, cmd, flags, body, each))
}

func (s set) list() ([]member, error) {
	found, err := s.ask(aboutSet(s.name))
	return found.members, err
}

func (s set) ask(body []byte) (setReply, error) {
	var reply setReply
	if err := s.call(nl.IPSET_CMD_LIST, unix.NLM_F_DUMP, body, reply.read); err != nil {
		return setReply{}, fmt.Errorf("list set %s: %w", s.name, err)
	}
	return reply, nil
}

// destroy takes the set away; none is no error. A rule of the nft variant lets
// go of its set only a moment after it was deleted, so it tries for a while. One
// that cannot be taken away, as a rule uses it, is left empty.
func (s set) destroy(ctx context.Context, wait time.Duration) error {
	if err := s.call(nl.IPSET_CMD_FLUSH, 0, aboutSet(s.name), nil); err != nil && !errors.Is(err, syscall.ENOENT) {
		return fmt.Errorf("flush set %s: %w", s.name, err)
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	retry := time.NewTicker(10 * time.Millisecond)
	defer retry.Stop()
	for {
		err := s.call(nl.IPSET_CMD_DESTROY, 0, aboutSet(s.name), nil)
		if err == nil || errors.Is(err, syscall.ENOENT) {
			return nil
		}
		if !errors.Is(err, errBusy) || ctx.Err() != nil {
			return fmt.Errorf("destroy set %s: %w", s.name, err)
		}
		select {
		case <-ctx.Done():
		case <-retry.C:
		}
	}
}
