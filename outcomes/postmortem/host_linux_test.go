package postmortem

import (
	"testing"
	"time"
)

func TestParseRecord(t *testing.T) {
	at, text, ok := parseRecord("6,1234,5678901,-;oom-kill:constraint=CONSTRAINT_MEMCG,task=go,pid=7\n SUBSYSTEM=x\n")
	if !ok || at != 5678901*time.Microsecond || text != "oom-kill:constraint=CONSTRAINT_MEMCG,task=go,pid=7" || !telling.MatchString(text) {
		t.Errorf("read %v, %q, %v", at, text, ok)
	}
	for _, record := range []string{"", "6,1;x", "6,1,many,-;x", "no record"} {
		if _, _, ok := parseRecord(record); ok {
			t.Errorf("%q was read as a record", record)
		}
	}
	if telling.MatchString("veth0: renamed from eth0") {
		t.Error("a renamed link explains no failure")
	}
}
