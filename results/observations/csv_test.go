package observations_test

import (
	"strings"
	"testing"

	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/observations"
)

func TestWhatWasMadeBeforeTheTrialsIsRead(t *testing.T) {
	run, err := observations.Parse("trials.csv", []byte(`trial,kind,block,runtime,outcome,setup_seconds,elapsed_seconds
c001,cluster,,docker,ok,,40
b001,build-cache,,docker,ok,,33
p001,preparation,,docker,ok,,30
t001,trial,1,docker,ok,60,70
`))
	if err != nil {
		t.Fatal(err)
	}
	if len(run.Records) != 4 || len(run.Trials()) != 1 || len(run.Done(results.KindPreparation)) != 1 || len(run.Done(results.KindBuildCache)) != 1 || run.Done(results.KindBuildCache)[0].Trial.ID != "b001" {
		t.Errorf("got %+v", run.Records)
	}
}

func TestSlipsAreRefusedWithTheirLine(t *testing.T) {
	for text, want := range map[string]string{
		"strategy,outcome,setup_second\nserial,ok,100\n":                    `seen.csv:1: column "setup_second" is nearly setup_seconds`,
		"strategy,outcome,Setup Seconds\nserial,ok,100\n":                   "nearly setup_seconds",
		"strategy,outcome,setup_ms\nserial,ok,100\n":                        "nearly setup_seconds",
		"strategy,outcome,setup\nserial,ok,100\n":                           "nearly setup_seconds",
		"strategy,Outcome\nserial,ok\n":                                     "nearly outcome",
		"Strategy,outcome\nserial,ok\n":                                     "nearly strategy",
		"serial,ok\n":                                                       "the columns are serial, ok; the first line names the columns",
		"strategy,outcome\ngro\xdf,ok\n":                                    "seen.csv:2: this is not text in UTF-8",
		"strategy,blocks,outcome\nserial,1,ok\n":                            "nearly block",
		"trial,strategy,outcome\na,serial,ok\nb,serial,ok\na,serial,ok\n":   "seen.csv:4: trial a is in line 2 already",
		"kind,strategy,outcome\nbig,serial,ok\n":                            `seen.csv:2: kind is "big"`,
		"strategy,outcome\nse\"rial,ok\n":                                   "seen.csv:2: ",
		"strategy,outcome\n\"serial,ok\n":                                   "seen.csv:2: ",
		"strategy,outcome,lost_seconds,elapsed_seconds\na,engine-crash,9,8": "less than",
	} {
		if _, err := observations.Parse("seen.csv", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	for _, text := range []string{
		"strategy,memory,stage,host,clusterStart,runtime,outcome\nserial,3GiB,a,h,with,podman,ok\n",
		"trial,strategy,outcome\na,serial,cancelled\na,serial,ok\n",
	} {
		if _, err := observations.Parse("seen.csv", []byte(text)); err != nil {
			t.Errorf("%q: %v, want none", text, err)
		}
	}
	if _, err := observations.Parse("seen.yaml", []byte("trials:\n  - {strategy: serial, outcome: ok, setup_second: 3}\n")); err == nil || !strings.Contains(err.Error(), "seen.yaml:2: key \"setup_second\"") {
		t.Errorf("in YAML: %v", err)
	}
}

func TestDoubtfulLinesAreKeptAndPointedOut(t *testing.T) {
	for rows, want := range map[string]string{
		"serial,1,ok,1000\nparallel,1,ok,12.5\nserial,2,ok,990\n":                 "seen.csv:3: setup_seconds is 12.5; 1 of 3 times end at 12.5 s",
		"serial,1,ok,300\nserial,2,ok,310\nserial,3,ok,22\nregistry,1,ok,40\n":    "",
		"serial,1,ok,600\nserial,2,ok,610\nserial,3,ok,10.1\nregistry,1,ok,100\n": "seen.csv:4: setup_seconds is 10.1",
		"serial,1,ok,300\nSerial,2,ok,310\nSerial,3,ok,310\n":                     `seen.csv:3: strategy is "Serial" here and "serial" before`,
		"serial,1,ok,0.0004\n": "seen.csv:2: setup_seconds is 0.0004, which rounds to zero",
		"serial,1,ok,100.25\nserial,2,ok,100.25\nserial,2,ok,100.25\n":                 "seen.csv:4: the same cell, block and time as in line 3",
		"serial,1,ok,100\nregistry,1,ok,30\nserial,1,ok,101\nserial,1,build-failed,\n": "",
	} {
		run, err := observations.Parse("seen.csv", []byte("strategy,block,outcome,setup_seconds\n"+rows))
		if err != nil {
			t.Fatalf("%q: %v", rows, err)
		}
		if all := strings.Join(run.Import.Warnings, "\n"); want == "" && all != "" || !strings.Contains(all, want) {
			t.Errorf("%q: warned %q, want %q", rows, all, want)
		}
		if want := strings.Count(rows, "\n"); len(run.Records) != want {
			t.Errorf("%q: %d records, want %d", rows, len(run.Records), want)
		}
	}
}

func TestLossesInAnotherUnitArePointedOut(t *testing.T) {
	for lost, want := range map[string]int{"200000": 1, "36000": 0} {
		run, err := observations.Parse("seen.csv", []byte("strategy,block,outcome,setup_seconds,lost_seconds\nserial,1,ok,300,\nserial,2,engine-crash,,"+lost+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(strings.Join(run.Import.Warnings, "\n"), "seen.csv:3: "); got != want {
			t.Errorf("%s s lost beside 300 s: %q", lost, run.Import.Warnings)
		}
	}
}
