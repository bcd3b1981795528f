package banner

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"syscall"
)

// takeOver moves the bans of other backends, from when they were used, into
// this one: there nobody would lift them, and rules of iptables never end.
func (k *Keeper) takeOver(ctx context.Context, opts Options) {
	for _, r := range ladder() {
		if r.name == k.name {
			continue
		}
		if err := k.takeFrom(ctx, r, opts); err != nil {
			k.notes = append(k.notes, fmt.Errorf("take over the bans of %s: %w", r.name, err))
		}
	}
}

func (k *Keeper) takeFrom(ctx context.Context, r rung, opts Options) error {
	if there, err := r.inspect(opts); there == nil || err != nil {
		return nil //nolint:nilerr // a backend that cannot be had here holds no bans
	}
	old, err := r.make(opts)
	if err != nil {
		return err
	}
	bans, err := old.List(ctx)
	if err == nil {
		k.mu.Lock()
		k.learn(bans)
		k.mu.Unlock()
		err = k.Block(ctx, bans)
	}
	if err == nil {
		if err = old.Remove(ctx); len(bans) == 0 {
			err = nil // what is left there harms nobody
		}
	}
	if err == nil {
		return old.Close()
	}
	k.left = append(k.left, old)
	return err
}

// leftovers are backends from when they were used, with bans that could not be taken
// over.
type leftovers []backend

// unblock ends bans in all of them.
func (l leftovers) unblock(ctx context.Context, prefixes []netip.Prefix) (failed error) {
	for _, old := range l {
		if err := old.Unblock(ctx, prefixes); !errors.Is(err, syscall.ENOENT) {
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

// remove takes away what they have, and returns those that still have bans. What is
// left of others harms nobody.
func (l leftovers) remove(ctx context.Context) (left leftovers, failed error) {
	left = slices.DeleteFunc(l, func(old backend) bool {
		err := old.Remove(ctx)
		if bans, unknown := old.List(ctx); unknown == nil && len(bans) == 0 {
			err = nil
		}
		failed = errors.Join(failed, err)
		return err == nil && old.Close() == nil
	})
	return left, failed
}
