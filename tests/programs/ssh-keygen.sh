# SPDX-License-Identifier: MIT
# ssh-keygen: fingerprints, look-ups and conversions over 1500 keys,
# signatures made and checked with Ed25519, certificates

prepare()
{
	local i public

	ssh-keygen -q -t ed25519 -N '' -C a -f key
	ssh-keygen -q -t rsa -b 2048 -N '' -C b -f rsa
	ssh-keygen -q -t ed25519 -N '' -C ca -f ca
	public=$(cut -d ' ' -f 1,2 key.pub)
	for i in {1..1500}; do
		echo "host$i.example,10.1.$((i / 250)).$((i % 250)) $public"
	done >known_hosts
	text 500 >text
}

run()
{
	local i

	for i in 1 2 3; do
		ssh-keygen -l -f "$IN/known_hosts" | cksum
		ssh-keygen -l -E md5 -f "$IN/known_hosts" | cksum
		ssh-keygen -l -v -f "$IN/known_hosts" | cksum
	done
	ssh-keygen -F host777.example -f "$IN/known_hosts"
	cp "$IN/known_hosts" .
	ssh-keygen -R host1200.example -f known_hosts >log 2>&1
	wc -l <known_hosts
	ssh-keygen -Y sign -f "$IN/key" -n test <"$IN/text" >text.sig 2>log
	cksum text.sig
	ssh-keygen -Y check-novalidate -n test -s text.sig <"$IN/text"
	ssh-keygen -e -m PKCS8 -f "$IN/rsa.pub" && ssh-keygen -y -f "$IN/rsa"
	for i in {1..40}; do
		cp "$IN/key.pub" k$i.pub
	done
	ssh-keygen -q -s "$IN/ca" -I me -n you -V 20200101:20300101 -z 7 k*.pub
	ssh-keygen -L -f k7-cert.pub
}

verify()
{
	ls *-cert.pub | wc -l
}
