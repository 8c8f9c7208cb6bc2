# SPDX-License-Identifier: Apache-2.0
# openssl: speed, keys, signatures, ciphers. What is random or measured is not shown.
openssl speed -seconds 1 sha256 2>&1 | grep -E '^sha256 ' | awk '{ print $1, NF, ($2 > 0 && $7 + 0 > $2 + 0) ? "faster with size" : $0 }'
openssl genrsa -out key 2048 2>/dev/null; openssl rsa -in key -check -noout; openssl rsa -in key -pubout -out public 2>/dev/null
echo text >text; openssl dgst -sha256 -sign key -out signature text; openssl dgst -sha256 -verify public -signature signature text
openssl genpkey -algorithm ed25519 -out ed 2>/dev/null; openssl pkeyutl -sign -inkey ed -rawin -in text -out s && openssl pkeyutl -verify -inkey ed -rawin -in text -sigfile s
openssl req -x509 -key key -subj /CN=x -days 1 -out cert 2>/dev/null; openssl verify -CAfile cert cert
openssl enc -aes-256-cbc -K 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff -iv 000102030405060708090a0b0c0d0e0f -in /usr/share/common-licenses/GPL-3 | md5sum
openssl enc -chacha20 -K 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff -iv 000102030405060708090a0b0c0d0e0f -in /usr/share/common-licenses/GPL-3 | openssl enc -d -chacha20 -K 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff -iv 000102030405060708090a0b0c0d0e0f | cmp - /usr/share/common-licenses/GPL-3 && echo same
for hash in md5 sha1 sha256 sha512 sha3-256 blake2b512; do openssl dgst -$hash /usr/share/common-licenses/GPL-3; done; openssl prime 1000003; openssl rand -hex 8 | wc -c
