*** Settings ***
Documentation     Boot: every board starts, reports its status, and stops without randomness.
Resource          ${CURDIR}/wallets.resource
Suite Setup       Set Up The Suite
Suite Teardown    Tear Down The Suite
Test Setup        Set Up The Test
Test Teardown     Tear Down The Test
Test Timeout      6 minutes

*** Variables ***
# Instructions from power-on until a wallet in use waits for a tap.
${BOOT_BUDGET}    6000000

*** Test Cases ***
A Visual Card Boots
    Boot A Blank Wallet    visual_card

A Wearable Boots
    Boot A Blank Wallet    wearable

A Wallet In Use Boots Within Its Budget
    Boot A Blank Wallet    visual_card
    Provision    alice
    Cut The Power Of    alice
    ${ready}=    Switch On Again    alice
    Should Be True    ${ready}[work] <= ${BOOT_BUDGET}

A Wallet Without Randomness Stops In Its Self-Test
    Build A New Wallet    alice
    Clear Boot Page    alice
    Execute Command    sysbus LoadBinary ${PERIODS}[alice][boot_page] 0x21020000
    Apply Power    alice
    No Mark Should Come    alice    READY

A Wallet Starts Again After A Power Cut
    Switch On A New Wallet    alice
    Cut The Power Of    alice
    Switch On Again    alice
    Status Should Be    alice    BLANK

Two Wallets Start With Renode's Own Hub Between Their Contact Links
    Switch On Two Wallets    two_wallets_hub.resc    without=contact
    Both Get Power
    Status Should Be    alice    BLANK
    Status Should Be    bob    BLANK

*** Keywords ***
Boot A Blank Wallet
    [Arguments]    ${board}
    Switch On A New Wallet    alice    ${board}
    Status Should Be    alice    BLANK
