# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# The Homebrew formula, for a tap. Homebrew's folders belong to a user, so root
# must not run programs from them: brew builds the release, and its install
# script puts the daemon where only root can change it.
class VmnetBroker < Formula
  desc "Share vmnet networks between virtual machines of any tool and any user"
  homepage "@HOME_PAGE@"
  url "@HOME_PAGE@/releases/download/v@VERSION@/vmnet-broker-@VERSION@.tar.gz"
  sha256 "@SHA256@"
  license "Apache-2.0"
  head "@HOME_PAGE@.git", branch: "main"

  depends_on "jansson" => :build
  depends_on macos: :tahoe
  depends_on :macos

  def install
    jansson = Formula["jansson"]
    system "make", "release",
           "JANSSON=#{jansson.opt_lib}/libjansson.a",
           "JANSSON_CFLAGS=-I#{jansson.opt_include}"
    libexec.install Dir["build/macos/host/release/*"]
    bin.install_symlink libexec/"prefix/bin/vmnet-brokerctl"
    man5.install_symlink Dir[libexec/"prefix/share/man/man5/*"]
    man8.install_symlink Dir[libexec/"prefix/share/man/man8/*"]
    lib.install Dir[libexec/"prefix/lib/*"]
    include.install Dir[libexec/"prefix/include/*"]
  end

  def caveats
    <<~EOS
      Install or upgrade the daemon, and check it:
        sudo #{opt_libexec}/install
        #{opt_libexec}/install --check
      Before `brew uninstall`, remove it:
        sudo #{opt_libexec}/uninstall
    EOS
  end

  test do
    assert_match version.to_s, shell_output("#{libexec}/vmnet-broker -V")
    assert_match "usage", shell_output("#{libexec}/install --help")
  end
end
