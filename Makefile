# `make help` lists the targets. The work is in scripts/.

.PHONY: help demo test test-quick build simulate bench bench-stages bench-peers bench-gates \
  profile flamegraph syscalls ramp growth soak sizing memory pods service-cost crash mutate fuzz format lint clean
.DEFAULT_GOAL := help

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | \
	  while IFS='|' read -r name what; do printf '  make %-13s %s\n' "$$name" "$$what"; done

demo: ## set up, build, run a simulated cluster's day through the service, show what it stored
	@scripts/demo.sh

test: ## set up and run every test (under 40 minutes on 2 cores from a clean clone)
	@scripts/test.sh

test-quick: ## unit tests and one end-to-end run (under 3 minutes after a build)
	@scripts/test.sh quick

build: ## set up and build the release binaries
	@scripts/setup.sh demo
	swift build -c release

simulate: ## SEEDS=N seeds of the simulation with faults, or SEED=S alone, with its trace
	swift build -c release --product simulate
	.build/release/simulate $(if $(SEED),--first $(SEED) --trace,--past --seeds $(or $(SEEDS),1000)) \
	  --json .build/simulation.json

bench: build ## the figures: bytes to rows on one thread, then the whole service under full load
	.build/release/pipeline-bench
	perf/service-load.sh

bench-stages: ## each stage of a row by itself, on the benchmark package (its first build takes minutes)
	@scripts/setup.sh demo
	cd Benchmarks && swift package --disable-sandbox benchmark

bench-peers: build ## ours against the strongest peers and the ceilings, same bytes (about 5 minutes)
	@scripts/bench-peers.sh

bench-gates: build ## instructions and allocations of each stage against Benchmarks/gates.json
	@scripts/bench-gates.sh

profile: build ## where the time of the pipeline goes, by sampling (needs perf)
	scripts/profile.sh

flamegraph: build ## CPU flame graphs of the service under load and of the pipeline, as SVG (needs perf)
	perf/flamegraph.sh
	perf/flamegraph.sh --faults
	perf/flamegraph.sh --pipeline

syscalls: build ## system calls a report by thread, waits and queues of the service under load (needs perf)
	perf/syscalls.sh

ramp: build ## rate, latency, memory and CPU against the offered rate, and the knee (about 6 minutes)
	perf/ramp.sh

growth: build ## the service at 1, 10 and 100 times the nodes (about 4 minutes)
	perf/growth.sh

soak: build ## HOURS (1) of constant load with churn: slope of the memory, latency, rows lost
	perf/soak.sh --hours $(or $(HOURS),1)

sizing: build ## what clusters of 10 to 5,000 nodes need at the defaults (about 17 minutes)
	perf/sizing.sh

memory: build ## resident memory of the service: empty, idle, at full load (about 9 minutes)
	perf/memory.sh

pods: build ## memory of the index at 10,000, 100,000 and 1,000,000 pods (about 8 minutes)
	perf/pods.sh

service-cost: build ## CPU a row of the whole service by thread, beside a server that discards
	perf/service-cost.sh

crash: build ## kill the service KILLS times (100) under load and compare the bucket with what was acknowledged
	perf/crash.sh --kills $(or $(KILLS),100)

mutate: ## break the product on purpose, one fault at a time (ONLY=name,name), and see the tests notice
	@scripts/setup.sh test
	@python3 scripts/mutate.py $(if $(ONLY),--only $(ONLY))

fuzz: ## damaged and hostile bytes for every parser, SECONDS=N (60), or SEED=S for the same again
	swift build -c release --product fuzz
	.build/release/fuzz --seconds $(or $(SECONDS),60) $(if $(SEED),--seed $(SEED))

format: ## format Swift and Python in place
	@scripts/setup.sh test && scripts/venv.sh test && scripts/format.sh

lint: ## check formatting and scripts, change nothing
	@scripts/setup.sh test && scripts/venv.sh test && scripts/lint.sh

clean: ## remove everything that was built, the demo's data included
	rm -rf .build
