package arch

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func TestCheck(t *testing.T) {
	tests := []struct {
		name, path, src string
		want            []string
	}{
		{
			name: "a clean file",
			path: "rules/odoo.go",
			src:  "package rules\nimport \"time\"\nvar layout = time.RFC3339\n",
		},
		{
			name: "watcher imports one of ours",
			path: "watcher/file.go",
			src:  "package watcher\nimport \"odooban/rules\"\n",
			want: []string{"watcher/file.go:2:8: imports odooban/rules, but " +
				"watcher hands on lines and knows no package of ours but backoff"},
		},
		{
			name: "a package below imports its parent",
			path: "watcher/docker/docker.go",
			src:  "package docker\nimport \"odooban/watcher\"\n",
		},
		{
			name: "rules reads a file",
			path: "rules/load.go",
			src:  "package rules\nimport \"os\"\n",
			want: []string{"rules/load.go:2:8: imports os, but " +
				"rules turns bytes into failures: no files, no network, no clock, no package of ours but framing"},
		},
		{
			name: "a package whose name begins alike is another one",
			path: "rulesets/load.go",
			src:  "package rulesets\nimport \"os\"\n",
		},
		{
			name: "jail asks the clock under another name",
			path: "internal/jail/jail.go",
			src:  "package jail\nimport clock \"time\"\nfunc f() { g(clock.Now) }\n",
			want: []string{"internal/jail/jail.go:3:14: uses time.Now, but " +
				"jail is policy alone: no clock, no lines, no firewall, no store"},
		},
		{
			name: "tests may ask the clock",
			path: "internal/jail/jail_test.go",
			src:  "package jail\nimport \"time\"\nvar start = time.Now()\n",
		},
		{
			name: "viper at home",
			path: "internal/config/config.go",
			src:  "package config\nimport \"github.com/spf13/viper\"\n",
		},
		{
			name: "viper elsewhere",
			path: "cmd/odooban/main.go",
			src:  "package main\nimport \"github.com/spf13/viper\"\n",
			want: []string{"cmd/odooban/main.go:2:8: imports github.com/spf13/viper, but " +
				"internal/config is the only one to know viper"},
		},
		{
			name: "a command is imported",
			path: "internal/engine/engine.go",
			src:  "package engine\nimport \"odooban/cmd/odooban\"\n",
			want: []string{"internal/engine/engine.go:2:8: imports odooban/cmd/odooban, but " +
				"commands are the top: nothing imports them"},
		},
		{
			name: "init and a global logger",
			path: "banner/log.go",
			src: "package banner\nimport \"github.com/rs/zerolog\"\n" +
				"var out zerolog.Logger\nvar level zerolog.Level\nfunc init() {}\nfunc (keeper) init() {}\n",
			want: []string{
				"banner/log.go:3:9: has a package variable of github.com/rs/zerolog.Logger, but " +
					"no package state: no init function, no global logger",
				"banner/log.go:5:1: has an init function, but " +
					"no package state: no init function, no global logger",
			},
		},
		{
			name: "test data is no code of ours",
			path: "testdata/x.go",
			src:  "not Go",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tree := fstest.MapFS{tt.path: {Data: []byte(tt.src)}}
			got, err := check(tree, laws)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("broken laws (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCheckSkipsOtherModules(t *testing.T) {
	tree := fstest.MapFS{
		"tools/go.mod": {Data: []byte("module tools\n")},
		"tools/x.go":   {Data: []byte("package tools\nfunc init() {}\n")},
	}
	if broken, err := check(tree, laws); err != nil || broken != nil {
		t.Errorf("check = %q, %v, want nothing", broken, err)
	}
}

func TestCheckSaysWhatItCannotParse(t *testing.T) {
	tree := fstest.MapFS{"rules/x.go": {Data: []byte("not Go")}}
	if _, err := check(tree, laws); err == nil {
		t.Error("no error for a file that is not Go")
	}
}
