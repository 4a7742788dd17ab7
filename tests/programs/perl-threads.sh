# SPDX-License-Identifier: MIT
# perl: interpreter threads; each start clones the whole interpreter, each end
# frees the clone, and blocks travel between threads through a queue

needs=perl

run()
{
	perl -we '
	use strict;
	use threads;
	use Thread::Queue;
	my ($in, $out) = (Thread::Queue->new, Thread::Queue->new);
	my %ballast = map { ("k$_" => [ ($_) x ($_ % 7) ]) } 1 .. 2000;
	my @t = map { threads->create(sub {
		while (defined(my $job = $in->dequeue)) {
			my %h = map { ("$job/$_" => $ballast{"k$_"}) } 1 .. 200;
			my $names = join "", sort keys %h;
			$names = length $names;
			$out->enqueue(join ",", $job, scalar keys %h, $names);
		}
	}) } 1 .. 4;
	$in->enqueue(1 .. 300);
	$in->end;
	$_->join for @t;
	$out->end;
	my @got;
	while (defined(my $r = $out->dequeue)) { push @got, $r }
	print scalar @got, "\n", map { "$_\n" } sort @got;
	for (1 .. 6) {
		my ($r) = threads->create({ context => "list" },
			sub { (scalar keys %ballast) })->join;
		print "$r\n";
	}
	'
}
