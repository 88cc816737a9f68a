package isolated

import (
	"strconv"
	"strings"
)

// parseKill reads the kernel's line on a process it killed in a group or below:
// 6,1,2,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=…,
// mems_allowed=0,oom_memcg=/a,task_memcg=/a/b,task=go,pid=4711,uid=0
func parseKill(record, group string) (OOMKill, bool) {
	_, text, found := strings.Cut(record, "oom-kill:")
	if !found {
		return OOMKill{}, false
	}
	text, _, _ = strings.Cut(text, "\n")
	_, text, _ = strings.Cut(text, "task_memcg=")
	path, rest, _ := strings.Cut(text, ",task=")
	inner, found := below(path, group)
	if !found {
		return OOMKill{}, false
	}
	// The name is what the program calls itself and may hold commas.
	end := strings.LastIndex(rest, ",pid=")
	if end < 0 {
		return OOMKill{}, false
	}
	number, _, _ := strings.Cut(rest[end+len(",pid="):], ",")
	pid, err := strconv.Atoi(number)
	return OOMKill{PID: pid, Name: rest[:end], Group: inner}, err == nil
}
