# SPDX-License-Identifier: MIT
# openssl: 150 certificates parsed and printed, verified, signed and sealed;
# ciphers, digests and prime tests

prepare()
{
	local i

	openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem \
		-out cert.pem -days 3650 \
		-subj "/C=XX/O=Test/CN=Test" 2>/dev/null \
		-addext subjectAltName=DNS:a.example,DNS:b.example
	for i in {1..150}; do
		cat cert.pem
	done >bundle.pem
	text 3000 >text
}

run()
{
	local i

	openssl crl2pkcs7 -nocrl -certfile "$IN/bundle.pem" -out all.p7 &&
		openssl pkcs7 -in all.p7 -print_certs -text | cksum
	openssl asn1parse -in all.p7 -i | cksum
	openssl verify -CAfile "$IN/cert.pem" "$IN/cert.pem" | sed 's/.*://'
	openssl storeutl -noout -text -certs "$IN/bundle.pem" | cksum
	openssl dgst -sha256 -sign "$IN/key.pem" -out text.sig "$IN/text" &&
		openssl x509 -in "$IN/cert.pem" -pubkey -noout >pub.pem &&
		openssl dgst -sha256 -verify pub.pem -signature text.sig \
			"$IN/text"
	openssl enc -aes-256-cbc -pbkdf2 -S 0102030405060708 \
		-pass pass:secret -in "$IN/text" | cksum
	for i in md5 sha1 sha512 sha3-256 blake2b512; do
		openssl dgst -$i -r "$IN/text" | cut -c 1-32
	done
	openssl cms -encrypt -binary -in "$IN/text" -outform DER -aes256 \
		"$IN/cert.pem" |
		openssl cms -decrypt -inform DER -binary -inkey "$IN/key.pem" \
			-recip "$IN/cert.pem" | cksum
	openssl prime -checks 20 1000000007 1000000011 \
		170141183460469231731687303715884105727
	openssl list -digest-algorithms | wc -l
}

verify()
{
	cksum text.sig
}
