package window

// touch returns the entry of key, new or known, as the freshest of all. A new
// one has no times yet.
func (w *Window) touch(key Key) uint32 {
	i := w.index.find(w.entries, &key)
	if i == root {
		i = w.grow(key)
	} else {
		w.unlink(i)
	}
	w.linkFreshest(i)
	return i
}

// grow takes an entry for a new key, the one of the key that was silent longest
// if there are as many as there may be.
func (w *Window) grow(key Key) uint32 {
	if w.index.len >= w.maxKeys {
		w.drop(w.entries[root].fresher)
		w.forgotten++
	}
	i := w.free
	if i == root {
		i = uint32(len(w.entries))
		w.entries = append(w.entries, entry{})
	}
	w.free = w.entries[i].next
	w.entries[i].key = key
	w.index.insert(w.entries, i)
	return i
}

func (w *Window) drop(i uint32) {
	w.unlink(i)
	w.index.delete(w.entries, i)
	w.entries[i] = entry{next: w.free}
	w.free = i
}

func (w *Window) linkFreshest(i uint32) {
	next := w.entries[root].older
	w.entries[i].fresher, w.entries[i].older = root, next
	w.entries[next].fresher = i
	w.entries[root].older = i
}

func (w *Window) unlink(i uint32) {
	e := &w.entries[i]
	w.entries[e.fresher].older = e.older
	w.entries[e.older].fresher = e.fresher
}
