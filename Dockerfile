# A machine with quern on it:
#   docker build -t quern .
#   docker run --rm quern                       the demonstration
#   docker run --rm quern -- python3 -c '...'   a program and its report
FROM debian:bookworm
COPY . /quern
WORKDIR /quern
RUN rm -rf build && ./bootstrap run -- true && rm -rf /var/lib/apt/lists/*
ENTRYPOINT ["./bootstrap", "run"]
