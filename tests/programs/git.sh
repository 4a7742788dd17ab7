# SPDX-License-Identifier: MIT
# git: a repository with 16 commits on two branches, merge, gc with two
# threads, fsck, clone; the object names are the checksum of everything

git_env()
{
	export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.org
	export GIT_COMMITTER_NAME=A GIT_COMMITTER_EMAIL=a@example.org
	export GIT_AUTHOR_DATE='1000000000 +0000'
	export GIT_COMMITTER_DATE='1000000000 +0000'
	export GIT_CONFIG_NOSYSTEM=1
}

prepare()
{
	text 4000 >text
}

run()
{
	local i

	git_env
	git init -q -b main repo && cd repo || return
	git config gc.auto 0
	git config pack.threads 2
	git config core.fsync none
	mkdir a b
	split -l 20 -a 3 "$IN/text" a/
	for i in {1..8}; do
		split -l $((i + 40)) -a 3 -d "$IN/text" b/
		git add . && git commit -q -m "change $i"
	done
	git checkout -q -b side HEAD~3
	for i in {1..8}; do
		sed -i "$((i * 3))s/\$/ side $i/" a/a?[ah]
		git commit -q -a -m "side $i"
	done
	git checkout -q main
	git merge -q -m merge side
	git log --stat --graph --format='%H %s' | cksum
	git diff --stat HEAD~6 HEAD | tail -n 1
	git blame -s a/aaa | cksum
	git log -S fovo --oneline | wc -l
	git gc -q --prune=now
	git fsck --full --strict --no-progress
	git clone -q . ../clone
	git grep -c 'zse[56]' | cksum
	git archive HEAD | cksum
}

verify()
{
	git_env
	git -C repo rev-parse HEAD side HEAD^{tree}
	git -C clone fsck --no-progress && git -C clone status --porcelain
	git -C clone rev-list --objects --all | sort | cksum
}
