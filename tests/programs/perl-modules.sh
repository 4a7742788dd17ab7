# SPDX-License-Identifier: MIT
# perl: extension modules loaded by dlopen: Storable, Digest, Encode,
# Compress, POSIX

needs=perl

run()
{
	perl -we '
	use strict;
	use Storable qw(freeze thaw dclone);
	use Digest::SHA qw(sha256_hex);
	use Digest::MD5 qw(md5_hex);
	use MIME::Base64;
	use Encode;
	use POSIX qw(floor strftime);
	use List::Util qw(shuffle reduce sum);
	use Time::HiRes;
	use Data::Dumper;
	use JSON::PP;
	use Compress::Zlib;
	$Data::Dumper::Sortkeys = 1;
	my $data = { map {
		("key$_" => { list => [1 .. $_ % 20], text => "v" x $_ })
	} 1 .. 600 };
	for my $i (1 .. 10) {
		my $copy = dclone(thaw(freeze($data)));
		$copy->{"key$i"}{text} .= "changed";
		$data = $copy;
	}
	my $dump = Dumper($data);
	print sha256_hex($dump), " ", md5_hex($dump), "\n";
	my $json = JSON::PP->new->canonical->encode($data);
	my $again = JSON::PP->new->canonical->encode(decode_json($json));
	print length $json, " ", sha256_hex($again), "\n";
	my $packed = compress($json);
	print uncompress($packed) eq $json ? "same\n" : "different\n";
	my $n = 0;
	for (1 .. 3000) {
		my $u = join "", map { chr(0x400 + $_ * $n++ % 256) } 1 .. 20;
		$u = encode("UTF-16LE", decode("UTF-8", encode("UTF-8", $u)));
		$n += length decode_base64(encode_base64($u));
	}
	print "$n ", sum(map { floor($_ / 3) } 1 .. 1000),
		strftime(" %Y-%m-%d\n", gmtime 86400);
	'
}
