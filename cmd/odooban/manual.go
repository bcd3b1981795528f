//go:build manual

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/cpuguy83/go-md2man/v2/md2man"
	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// Built with the tag manual, the program writes what packages bring besides it,
// out of its commands and docs/configuration.md:
//
//	go run -tags manual ./cmd/odooban DIRECTORY
func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run -tags manual ./cmd/odooban DIRECTORY")
		os.Exit(exitUsage)
	}
	if err := writeManual(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "write manual:", err)
		os.Exit(exitFailed)
	}
}

func writeManual(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // all may read it
		return err
	}
	if err := writeCompletions(newRoot(), dir); err != nil {
		return err
	}
	if err := writePages(newRoot(), dir); err != nil {
		return err
	}
	return writeConfigurationPage(filepath.Join(dir, "odooban.yaml.5"))
}

// writeCompletions writes what the completion command prints.
func writeCompletions(root *cobra.Command, dir string) error {
	for shell, write := range map[string]func(string) error{
		"bash": func(path string) error { return root.GenBashCompletionFileV2(path, true) },
		"zsh":  root.GenZshCompletionFile,
		"fish": func(path string) error { return root.GenFishCompletionFile(path, true) },
	} {
		if err := write(filepath.Join(dir, "odooban."+shell)); err != nil {
			return err
		}
	}
	return nil
}

// writePages writes a page of section 1 for each command that has something to
// say.
func writePages(root *cobra.Command, dir string) error {
	root.DisableAutoGenTag = true
	for _, cmd := range root.Commands() {
		if cmd.Name() == "completion" {
			root.RemoveCommand(cmd)
		}
	}
	return doc.GenManTree(root, &doc.GenManHeader{Section: "1", Manual: "odooban", Source: "odooban " + version}, dir)
}

// writeConfigurationPage writes odooban.yaml(5).
func writeConfigurationPage(path string) error {
	text, err := os.ReadFile("docs/configuration.md")
	if err != nil {
		return err
	}
	title := "odooban.yaml 5 \"\" \"odooban " + version + "\" \"odooban\"\n=====\n\n" +
		"# NAME\n\nodooban.yaml - what odooban watches, counts and bans\n\n# DESCRIPTION\n\n"
	_, body, _ := bytes.Cut(text, []byte("\n\n"))
	return os.WriteFile(path, md2man.Render(append([]byte(title), body...)), 0o644) //nolint:gosec // all may read it
}
