package arch

import (
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

var (
	linkPattern  = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	codePattern  = regexp.MustCompile("`[^`]*`")
	notInAnchors = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// TestLinksLead fails when a document links to a file or a chapter that there is not.
func TestLinksLead(t *testing.T) {
	broken, err := brokenLinks(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range broken {
		t.Error(link)
	}
}

// brokenLinks lists the links of all documents that lead nowhere within the tree.
func brokenLinks(tree fs.FS) ([]string, error) {
	var broken []string
	err := eachFile(tree, ".md", func(name string) error {
		text, err := fs.ReadFile(tree, name)
		for _, target := range links(string(text)) {
			if why := follow(tree, name, target); why != "" {
				broken = append(broken, fmt.Sprintf("%s: link to %s: %s", name, target, why))
			}
		}
		return err
	})
	return broken, err
}

// links lists where a document links to, the web left out.
func links(text string) []string {
	var targets []string
	for line := range prose(text) {
		for _, m := range linkPattern.FindAllStringSubmatch(codePattern.ReplaceAllString(line, ""), -1) {
			if !strings.Contains(m[1], "://") {
				targets = append(targets, m[1])
			}
		}
	}
	return targets
}

// follow says why a link of the document called from leads nowhere, or nothing.
func follow(tree fs.FS, from, target string) string {
	to, anchor, _ := strings.Cut(target, "#")
	if to == "" {
		to = from
	} else {
		to = path.Join(path.Dir(from), to)
	}
	if anchor == "" {
		if _, err := fs.Stat(tree, to); err != nil {
			return "no such file"
		}
		return ""
	}
	text, err := fs.ReadFile(tree, to)
	if err != nil {
		return "no such file"
	}
	for line := range prose(string(text)) {
		if title, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && line[0] == '#' && anchorOf(title) == anchor {
			return ""
		}
	}
	return "no such chapter"
}

// prose yields the lines of a document that are no code.
func prose(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		fenced := false
		for line := range strings.Lines(text) {
			if strings.HasPrefix(line, "```") {
				fenced = !fenced
				continue
			}
			if fenced || strings.HasPrefix(line, "    ") {
				continue
			}
			if !yield(line) {
				return
			}
		}
	}
}

// anchorOf is what forges make of a title.
func anchorOf(title string) string {
	return strings.ReplaceAll(notInAnchors.ReplaceAllString(strings.ToLower(strings.TrimSpace(title)), ""), " ", "-")
}

func TestBrokenLinks(t *testing.T) {
	tree := fstest.MapFS{
		"README.md": {Data: []byte("# Us\n[a](docs/a.md) [b](docs/a.md#the-engines-socket) [c](#us) [d](https://odoo.com/x#y)\n" +
			"`[code](nowhere)`\n\n    [code](nowhere)\n\n```\n[code](nowhere)\n```\n[e](docs/b.md), [f](docs/a.md#code)\n[g](docs)\n")},
		"docs/a.md": {Data: []byte("## The engine's `socket`\n[up](../README.md) [g](#no)\n\n    # code\n")},
	}
	got, err := brokenLinks(tree)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"README.md: link to docs/b.md: no such file",
		"README.md: link to docs/a.md#code: no such chapter",
		"docs/a.md: link to #no: no such chapter",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("brokenLinks (-want +got):\n%s", diff)
	}
}
