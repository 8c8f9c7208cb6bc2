# SPDX-License-Identifier: Apache-2.0
# git locally. Names and dates are given, so that all hashes are those of any other machine.
export HOME=$PWD GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=C GIT_COMMITTER_EMAIL=c@d GIT_PAGER=cat
export GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_DATE='1700000001 +0000' GIT_ADVICE=0
git config --global init.defaultBranch main; git config --global protocol.file.allow always; git config --global advice.detachedHead false
git init -q r && cd r || exit
cp /usr/share/common-licenses/GPL-3 services; cp /etc/passwd .; mkdir -p d/e; cp -r /usr/lib/python3.11/json d/e/; rm -rf d/e/json/__pycache__
git add . && git commit -qm one && git log --oneline
echo more >>services; ln -s services link; chmod +x passwd; git status --short; git add -A; git commit -qm two; git diff --stat HEAD~1
git checkout -qb side HEAD~1; echo side >side; git add side; git commit -qm side; git checkout -q main; git merge -q --no-edit side; git log --graph --format='%h %s' --all; git show --stat --format=%T HEAD^2
sed -i 1d services; git diff | tail -n 5; git stash -q; git status --short; git stash pop -q; git checkout -q -- services
for i in $(seq 1 20); do echo "$i" >"n$i"; git add "n$i"; git commit -qm "n$i"; done; git rev-list --count HEAD; git rev-parse HEAD
git gc -q; git fsck --full 2>&1; git count-objects -v | grep -E '^(count|in-pack|packs)'; git tag -a v1 -m tag; git describe
cd .. && git clone -q r r2 && cd r2 && git log --format=%H -1 && git branch -a && git ls-files | wc -l
cd .. && git clone -q --bare "file://$PWD/r" r3 && cd r3 && git rev-parse main && cd ../r2 && echo x >x && git add x && git commit -qm x && git push -q ../r3 HEAD:refs/heads/new 2>&1 && git -C ../r3 log --oneline -1 new
git rebase -q --onto HEAD~3 HEAD~1 2>&1; git log --oneline -2; git bisect start -q HEAD HEAD~8 >/dev/null; git bisect run grep -qv x x 2>&1 | grep -c bisect; git grep -n import -- '*.py' | wc -l; git archive --format=tar v1 | tar t | wc -l; git blame -s d/e/json/tool.py | md5sum
