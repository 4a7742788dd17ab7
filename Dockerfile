# A machine with quern on it, for the experiment anyone can repeat:
#   docker build -t quern .
#   docker run --rm quern                           the demonstration
#   docker run --rm quern run -- python3 -c '...'   a program and its report
#   docker run --rm quern check                     all tests
#   docker run --rm quern bench                     side by side with other allocators
#   docker run --rm quern paper                     the founding experiment
# Where there is no Docker: make check-docker does the same in a chroot.
FROM debian:bookworm
COPY . /quern
WORKDIR /quern
RUN rm -rf build && ./bootstrap run -- true && rm -rf /var/lib/apt/lists/*
ENTRYPOINT ["./bootstrap"]
CMD ["run"]
