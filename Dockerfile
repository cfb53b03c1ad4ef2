# docker build -t registry.example.com/aggregator:0.1.0 .
FROM swift:6.3-bookworm AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
      libcurl4-openssl-dev libsimdjson-dev libsnappy-dev libssl-dev libxxhash-dev pkg-config \
      zlib1g-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
RUN swift build -c release --static-swift-stdlib --product aggregator \
 && install -D -s "$(swift build -c release --static-swift-stdlib --show-bin-path)/aggregator" \
      /out/usr/local/bin/aggregator \
 && install -d -o 65532 -g 65532 /out/var/lib/aggregator

FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
      ca-certificates libcurl4 libsimdjson14 libsnappy1v5 libssl3 libstdc++6 libxxhash0 zlib1g \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /out/ /
USER 65532:65532
EXPOSE 8888
ENTRYPOINT ["/usr/local/bin/aggregator"]
